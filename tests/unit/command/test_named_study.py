"""How a study is named: nothing, a name, a config file, a study file."""

from pathlib import Path

import pytest

from ewc_lambda.command.named_study import NamedStudy, find_study
from ewc_lambda.errors import StudyError

RESULTS = Path("results")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/config.yaml").write_text("study: default\n")
    (tmp_path / "config/studies/other.yaml").write_text("study: other\n")
    return tmp_path


def made(project, name, *files):
    for file in files:
        path = project / "results" / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"study: {name}\n")


def test_without_a_name_it_is_the_default_study(project):
    found = find_study(None, RESULTS)
    assert found == NamedStudy(RESULTS / "default/study.h5", Path("config/config.yaml"))


@pytest.mark.parametrize(
    ("name", "config"),
    [("default", "config/config.yaml"), ("other", "config/studies/other.yaml")],
)
def test_a_name_finds_the_config_of_a_study_that_has_no_results(project, name, config):
    assert find_study(name, RESULTS) == NamedStudy(RESULTS / name / "study.h5", Path(config))
    assert find_study(config, RESULTS) == find_study(name, RESULTS)
    assert find_study(name, RESULTS).config()["study"] == name


def test_a_name_finds_the_config_that_was_unpacked_with_the_results(project):
    made(project, "unpacked", "study.h5", "config.yaml")
    found = find_study("unpacked", RESULTS)
    assert found == NamedStudy(RESULTS / "unpacked/study.h5", Path("results/unpacked/config.yaml"))


def test_what_a_study_was_run_with_comes_before_a_config_of_its_name(project):
    made(project, "other", "study.h5", "config.yaml")
    assert find_study("other", RESULTS).config_file == Path("results/other/config.yaml")


def test_a_name_without_a_config_finds_the_study_file(project):
    made(project, "mine", "study.h5")
    assert find_study("mine", RESULTS) == NamedStudy(RESULTS / "mine/study.h5", None)
    (project / "config/config.yaml").unlink()
    assert find_study("mine", RESULTS) == NamedStudy(RESULTS / "mine/study.h5", None)


def test_a_config_whose_study_has_another_name_is_not_taken_for_it(project):
    (project / "config/studies/mine.yaml").write_text("study: renamed\n")
    made(project, "mine", "study.h5")
    assert find_study("mine", RESULTS).config_file is None


def test_a_half_finished_study_without_a_config_asks_for_it(project):
    made(project, "mine", "trial_0/grid.json")
    with pytest.raises(StudyError, match="Name the config file that it is run with"):
        find_study("mine", RESULTS)


def test_a_study_file_stands_for_itself(project):
    made(project, "other", "study.h5")
    assert find_study("results/other/study.h5", RESULTS).config_file is None


def test_an_unknown_name_is_told_which_are_known(project):
    made(project, "mine", "study.h5")
    with pytest.raises(StudyError, match=r"nix: no such study\. Known here: default, mine, other;"):
        find_study("nix", RESULTS)


def test_a_config_outside_the_project_says_what_it_lacks(project):
    (project / "config/config.yaml").unlink()
    with pytest.raises(
        StudyError, match=r"config/config.yaml: not in .* Run it in the project's folder"
    ):
        find_study("config/studies/other.yaml", RESULTS)


def test_a_wrong_config_is_named(project):
    (project / "config/studies/other.yaml").write_text("study: other\nepoch: 3\n")
    with pytest.raises(StudyError, match="epoch: no such key"):
        find_study("other", RESULTS)
