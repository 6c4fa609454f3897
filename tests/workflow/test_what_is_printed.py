"""What a run prints: progress, the answer as its last lines, and what to do after it was ended."""

import os
import re
import signal

import pytest
from scratch import Scratch

pytestmark = pytest.mark.workflow

INTERRUPTED = "interrupted; the same command goes on"


def test_the_last_lines_are_the_answer_and_what_goes_on_from_it(finished):
    *_, summary, report = (finished.folder / "first_run.txt").read_text().splitlines()
    assert re.fullmatch(r"All of it, trial by trial: +ewc-lambda summary small", summary)
    assert re.fullmatch(r"One page with every figure: +ewc-lambda report small", report)
    lines = (finished.study / "tables/answer.txt").read_text().splitlines()
    end = (finished.folder / "first_run.txt").read_text().partition("\nStudy small: ")[2]
    for line in lines:
        if line.startswith(("fisher: ", "sign_flipping: ", "Importance measures")):
            assert line in end


def test_a_run_prints_a_line_for_a_job_and_the_log_file_keeps_all(finished):
    printed = (finished.folder / "first_run.txt").read_text()
    log = min((finished.folder / ".snakemake/log").glob("*.log")).read_text()
    assert "Reason: " in log
    assert "Complete log(s)" in log
    for noise in ("Reason: ", "Complete log(s)", "Select jobs", "localrule", "Finished jobid"):
        assert noise not in printed
    # The names of 18 files, twice, were the end of it.
    before, _, _ = printed.partition("\nStudy small: ")
    assert max(map(len, before.splitlines())) < 250
    assert "Data: read digits and split its tasks" in printed
    assert re.search(r"Study: \d+ of about \d+ steps", printed)


def test_a_run_with_nothing_to_do_says_the_answer_once(finished, tmp_path):
    again = finished.copy(tmp_path / "project").finish().text
    assert again.count("Nothing to be done") == 1
    assert again.count("\nStudy small: ") == 1
    assert again.rstrip().endswith("ewc-lambda report small")


def test_figures_alone_end_without_an_answer(tmp_path, finished):
    alone = finished.copy(tmp_path / "project")
    (alone.study / "figures/bracket.png").unlink()
    (alone.study / "tables/trials.csv").unlink()
    last = alone.run("figures").text.splitlines()[-1]
    assert last.startswith("Finished. All that Snakemake said: .snakemake/log/")


@pytest.mark.parametrize("when", ["planned", "trained"])
def test_ctrl_c_ends_with_one_line(tmp_path, when):
    scratch = Scratch.create(tmp_path / "project")
    run = scratch.start()
    if when == "trained":
        assert run.watch(run.scripts)
    else:
        assert run.watch(lambda: "Assuming unrestricted" in run.output.read_text())
    os.killpg(run.process.pid, signal.SIGINT)
    done = run.wait()
    assert done.status != 0
    assert done.text.splitlines()[-1] == INTERRUPTED
    for word in ("Traceback", "Error", "Failed", "Exiting"):
        assert word not in done.text
    assert scratch.finish().status == 0


def test_a_job_that_failed_is_named_with_its_log(tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    script = scratch.folder / "workflow/scripts/train_reference.py"
    script.write_text(
        script.read_text().replace("def main(", "raise OSError('no more')\ndef main(")
    )
    done = scratch.run()
    assert done.status != 0
    assert "Failed: train_reference (log: logs/small/trial_0/reference/finetuning.log)" in done.text
    assert "OSError: no more" in done.text
    assert done.text.splitlines()[-1].startswith("Not finished: jobs failed")


def test_progress_is_that_of_this_run(tmp_path):
    scratch = Scratch.create(tmp_path / "project", low_range=[1, 10], high_range=[1e3, 1e4])
    scratch.finish()
    scratch.configure(low_range=[1, 10], high_range=[1e3, 1e4], seed=2)
    done = scratch.run("--config", "replace=true")
    assert done.status == 0, done.text
    lines = re.findall(r"^Trial 0, fisher: (.*)\. Study: (\d+) of", done.text, re.MULTILINE)
    counts = [int(count) for _, count in lines]
    assert counts == sorted(counts)
    assert counts[0] <= 2
    assert not any(said.startswith("finished") for said, _ in lines[:-1])


def test_who_asks_for_more_gets_all_of_it(finished, tmp_path):
    copy = finished.copy(tmp_path / "project")
    (copy.study / "figures/bracket.png").unlink()
    assert "Reason: " in copy.run("figures", "--printshellcmds").text
