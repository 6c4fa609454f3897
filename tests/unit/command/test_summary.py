"""`ewc-lambda summary`: the answer of a study, and how far it is with today's config."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from made_up_studies import made_up_study

from ewc_lambda.command.main import main
from ewc_lambda.config.study_config import resolve
from ewc_lambda.results.files import Files
from ewc_lambda.results.run_config import note_config


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("study: default\n")
    folder = tmp_path / "results/made_up"
    (folder / "trial_0").mkdir(parents=True)
    return made_up_study(folder / "study.h5", study="made_up")


def printed(tmp_path, capsys, config):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config))
    assert main(["summary", "study.yaml"]) == 0
    return capsys.readouterr().out


def test_an_answer_of_todays_config_stands_alone(study, tmp_path, capsys):
    text = printed(tmp_path, capsys, study.config)
    assert text.startswith("Study made_up: 3 trials of 6 replicates")
    assert "today" not in text


def test_an_answer_of_another_config_says_so_before_it_and_how_far_todays_is(
    study, tmp_path, capsys
):
    text = printed(tmp_path, capsys, {**study.config, "trials": 5, "replicates": 8})
    first, _, answer, *_ = text.splitlines()
    assert first == "results/made_up/study.h5 was made with replicates: 6, trials: 3. It says:"
    assert answer.startswith("Study made_up: 3 trials of 6 replicates")
    _, _, today = text.partition("With the config of today:")
    assert "trial 4, fisher: not begun" in today


def test_a_folder_that_holds_another_study_says_so_before_its_answer(study, tmp_path, capsys):
    shutil.copytree("results/made_up", "results/other")
    text = printed(tmp_path, capsys, {**study.config, "study": "other"})
    assert text.startswith("results/other/study.h5 was made with study: made_up. It says:")


def test_a_study_without_results_says_which_command_makes_them(study, tmp_path, capsys):
    (tmp_path / "study.yaml").write_text("study: absent\n")
    assert main(["summary", "study.yaml"]) == 1
    assert re.search(r"Run: snakemake .* --configfile study\.yaml", capsys.readouterr().err)


def test_a_study_file_stands_for_itself(study, capsys):
    assert main(["summary", "results/made_up/study.h5"]) == 0
    assert capsys.readouterr().out.startswith("Study made_up: 3 trials of 6 replicates")


def test_what_snakemake_measured_is_added_up(study, tmp_path, capsys):
    folder = tmp_path / "benchmarks/results/made_up"
    (folder / "trial_0").mkdir(parents=True)
    (folder / "a.tsv").write_text("s\tcpu_time\n2.0\t1.5\n")
    (folder / "trial_0/b.tsv").write_text("s\tcpu_time\n1.0\t2.25\n1.0\tNA\n")
    assert printed(tmp_path, capsys, study.config).endswith(
        "\nIts jobs took 4 CPU s (benchmarks/results/made_up)\n"
    )


def test_a_study_file_alone_that_another_config_made_says_so(study, tmp_path, capsys):
    (tmp_path / "results/made_up/trial_0").rmdir()
    text = printed(tmp_path, capsys, {**study.config, "replicates": 8})
    assert text.startswith("results/made_up/study.h5 was made with replicates: 6. It says:")
    assert "today" not in text


def test_the_study_that_was_run_last_is_named_where_another_one_is_shown(study, tmp_path, capsys):
    files = Files(resolve(study.config), tmp_path / "results")
    Path(files.folder).joinpath("trial_0").mkdir(exist_ok=True)
    note_config(files)
    (tmp_path / "results/default").mkdir()
    assert main(["summary"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Study default is not finished.")
    assert said.endswith("\nThe last run here was of made_up: ewc-lambda summary made_up\n")
    assert main(["summary", "made_up"]) == 0
    assert "The last run" not in capsys.readouterr().out


def test_replacing_is_asked_of_each_run(study, tmp_path):
    note_config(Files({**resolve(study.config), "replace": True}, tmp_path / "results"))
    noted = yaml.safe_load((tmp_path / "results/made_up/config.yaml").read_text())
    assert "replace" not in noted
    assert resolve(noted) == resolve(study.config)
