"""A study that is not finished: what there is of it is shown, and what is missing is named."""

from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

import nbformat
import pytest
from scratch import ROOT

from ewc_lambda import Study
from ewc_lambda.command.main import main

pytestmark = pytest.mark.workflow


@pytest.fixture
def half(tmp_path, finished, monkeypatch):
    """A copy of the finished study without its study file, to work in."""
    copy = finished.copy(tmp_path / "project")
    (copy.study / "study.h5").unlink()
    monkeypatch.chdir(copy.folder)
    return copy


@pytest.fixture(scope="module")
def reported(finished, tmp_path_factory):
    """One of which more is missing, its report, and what was said; to look at only."""
    copy = finished.copy(tmp_path_factory.mktemp("unfinished") / "project")
    (copy.study / "study.h5").unlink()
    missing = cut(copy)
    with chdir(copy.folder), redirect_stdout(StringIO()) as said:
        assert main(["report", "small"]) == 0
    return copy.folder, missing, said.getvalue()


def cut(scratch):
    """End a search in its last round, and lose a reference line; says what is gone."""
    search = scratch.study / "trial_0/sign_flipping"
    rounds = sorted(search.glob("round_*"))
    for path in (rounds[-1] / "decision.json", rounds[-1] / "step_2.h5", search / "search.h5"):
        path.unlink()
    (scratch.study / "trial_0/reference/joint.h5").unlink()
    return [
        f"trial 0, sign_flipping: round {len(rounds) - 1}, 3 of 4 steps",
        "trial 0: joint training is not trained",
    ]


def test_a_report_shows_what_there_is_and_names_what_is_missing(reported):
    folder, missing, said = reported
    page = (folder / "small_report.html").read_text()
    for line in missing:
        assert line in said
        assert page.count(line) == 1
    assert "<h1>small: not finished</h1>" in page
    for figure in ("measure_over_lambda", "bracket", "curves", "importance"):
        assert f'<figure id="{figure}"><svg' in page
    assert "srcdoc=" in page
    study = Study.read(folder / "small_so_far.h5")
    assert study.reference(0, "joint") is None
    rounds = study.steps.groupby("importance")["round"].max()
    assert missing[0].startswith(f"trial 0, sign_flipping: round {rounds['sign_flipping'] + 1}, ")


def test_a_summary_of_its_data_never_passes_for_the_answer(reported, monkeypatch, capsys):
    folder, missing, _ = reported
    monkeypatch.chdir(folder)
    assert main(["summary", "small_so_far.h5"]) == 0
    _, head, *rest = capsys.readouterr().out.splitlines()
    assert head == "Not finished: all of this is of what there is. Missing:"
    assert rest[0].strip().startswith(missing[0])
    assert rest[1].strip() == missing[1]


def test_where_only_the_gathering_is_missing_the_answer_so_far_is_the_answer(
    half, finished, capsys
):
    assert main(["report", "small"]) == 0
    assert "all is trained; the last run ended before it was gathered" in capsys.readouterr().out
    assert Study.read("small_so_far.h5").unfinished
    found = []
    for path in ("small_so_far.h5", finished.study / "study.h5"):
        main(["summary", str(path)])
        found.append(capsys.readouterr().out.partition("\n\n")[2])
    assert found[0] == found[1]


def test_its_summary_says_how_far_it_is_and_where_the_rest_stands(reported, monkeypatch, capsys):
    folder, missing, _ = reported
    monkeypatch.chdir(folder)
    assert main(["summary", "small"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Study small is not finished.\n")
    assert missing[0] in said
    assert said.rstrip().endswith("ewc-lambda report small")


def test_files_of_another_config_are_not_taken_for_todays(half, capsys):
    half.configure(importance=["fisher", "sign_flipping"], epochs=3)
    # Its name alone stands for the config that it was run with.
    assert main(["report", "config/config.yaml"]) == 1
    said = capsys.readouterr().err
    assert "no round is decided yet, so there is nothing to report (0 of about" in said
    assert said.count("\n") == 1
    assert not Path("small_report.html").exists()
    assert main(["summary", "config/config.yaml"]) == 0
    assert "trial 0, fisher: not begun" in capsys.readouterr().out


def test_the_notebook_holds_for_what_there_is(reported, monkeypatch, capsys):
    folder, missing, _ = reported
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(folder)
    notebook = nbformat.read(ROOT / "docs/explore.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    named = "../results/reference/fixed_digits/study.h5"
    assert named in code
    exec(code.replace(named, "small_so_far.h5"), {})
    assert missing[0] in capsys.readouterr().out
