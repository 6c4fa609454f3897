"""`verify`: one line when all is well, and exactly what is wrong otherwise."""

import shutil

import pytest
import yaml

from ewc_lambda.command.main import main
from ewc_lambda.config.study_config import resolve
from ewc_lambda.results.run_config import RUN_CONFIG
from ewc_lambda.results.runs import read_run, write_run
from ewc_lambda.store.records import read_hdf5, read_json, write_json
from ewc_lambda.upkeep.integrity import Integrity


def verify(project, **changes):
    config = yaml.safe_load((project.folder / "config/config.yaml").read_text())
    integrity = Integrity(project.folder / "results", resolve({**config, **changes}))
    integrity.check()
    return integrity


def files(project):
    """All but the latest run's config, which each run writes anew and nothing is made from."""
    found = sorted(project.study.rglob("*"))
    return [path for path in found if path.is_file() and path != project.study / RUN_CONFIG]


def test_all_is_well(finished):
    integrity = verify(finished)
    assert integrity.findings == []
    assert integrity.files == len(files(finished)), "a file is not looked at"
    assert "\n" not in integrity.verdict


def test_one_bit_of_each_file(project):
    """Every file is checked, and the finding names it and no other."""
    for path in files(project):
        content = path.read_bytes()
        damaged = bytearray(content)
        damaged[len(damaged) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(damaged)
        integrity = verify(project)
        assert integrity.broken == [path], integrity.verdict
        assert all(finding.startswith(f"{path}: ") for finding in integrity.findings)
        path.write_bytes(content)
    assert verify(project).findings == []


def test_each_file_missing(project):
    for path in files(project):
        aside = path.rename(path.with_name("aside"))
        integrity = verify(project)
        assert path in integrity.missing
        assert integrity.broken == []
        aside.rename(path)


def test_a_whole_file_in_the_place_of_another(project):
    round_ = project.search / "round_0"
    shutil.copyfile(round_ / "step_2.h5", round_ / "step_1.h5")
    (finding,) = verify(project).findings
    assert finding == f"{round_ / 'step_1.h5'}: its step is 2, not 1"


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [("grid.json", "bracket", [1.0, 2.0]), ("decision.json", "measures", [4.0, 3.0, 2.0, 1.0])],
)
def test_a_forged_file_with_a_fitting_seal(project, name, key, value):
    """What follows from the config and the steps is computed again, not believed."""
    path = project.search / "round_0" / name
    write_json(path, {**read_json(path), key: value})
    findings = verify(project).findings
    assert findings[0].startswith(f"{path}: its {key} is {value}; from ")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"seed": 2}, "data.h5"),
        ({"hidden": [9]}, "base_model.json"),
        ({"epochs": 3}, "first_task.h5"),
        ({"termination_threshold": 0.4}, "study.h5"),
    ],
)
def test_a_study_made_by_another_config(finished, changes, name):
    (key,) = changes
    findings = verify(finished, **changes).findings
    assert any(name in finding and f"made with {key}: " in finding for finding in findings)


def test_command_line(project, monkeypatch, capsys):
    monkeypatch.chdir(project.folder)
    assert main(["verify"]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    step = project.search / "round_0/step_1.h5"
    step.write_bytes(b"")
    assert main(["verify", "--set-aside"]) == 1
    printed = capsys.readouterr().err
    assert "step_1.h5: not a result file of this study, or cut short" in printed
    assert "step_1.h5.broken" in printed
    assert not step.exists()
    assert main(["verify"]) == 1
    assert "step_1.h5: the file is missing" in capsys.readouterr().err


def test_a_study_file_that_stands_alone_is_never_moved(project, monkeypatch, capsys):
    monkeypatch.chdir(project.folder)
    for path in project.study.glob("trial_*"):
        shutil.rmtree(path)
    study = project.study / "study.h5"
    study.write_bytes(study.read_bytes()[:-1])
    assert main(["verify", "--set-aside"]) == 1
    printed = capsys.readouterr().err
    assert "does not match its own SHA-256" in printed
    assert "It stands alone" in printed
    assert "snakemake" not in printed
    assert study.exists()


def test_a_file_left_open_for_writing_is_well_and_named(project, monkeypatch, caplog, capsys):
    monkeypatch.chdir(project.folder)
    step = project.search / "round_0/step_1.h5"
    whole = bytearray(step.read_bytes())
    whole[532] = 1
    step.write_bytes(whole)
    assert main(["verify"]) == 0
    (warning,) = caplog.messages
    assert "step_1.h5: a program opened this file for writing" in warning


def test_two_kinds_of_processor_within_a_trial_are_named(project, monkeypatch, capsys):
    """A step that another processor trained: what it says of that is changed, nothing else."""
    assert verify(project).mixed is None
    step = project.search / "round_0/step_1.h5"
    made_by = read_hdf5(step)[1]["provenance"]
    assert made_by["arithmetic"].count(", torch ") == 1
    write_run(step, read_run(step), {**made_by, "arithmetic": "X86_V2, torch DEFAULT"})
    said = verify(project).mixed
    assert said.startswith(
        "Runs of one trial were computed with different arithmetic, in trial 0 ("
    )
    assert "X86_V2, torch DEFAULT: 1" in said
    monkeypatch.chdir(project.folder)
    main(["verify"])
    assert said in capsys.readouterr().err
