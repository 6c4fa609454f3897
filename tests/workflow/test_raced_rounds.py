"""A study whose rounds are races, beside the same study without."""

import dataclasses
import shutil
from functools import partial

import numpy as np
import pytest
from safetensors.numpy import load_file
from scratch import Scratch, trained

from ewc_lambda.config.study_config import load
from ewc_lambda.results.runs import read_run, write_run
from ewc_lambda.results.study_file import Study
from ewc_lambda.store.records import read_hdf5, read_json
from ewc_lambda.upkeep.integrity import Integrity

pytestmark = pytest.mark.workflow

REPLICATES = 6
# How many members train beside it changes the last bits of a member, and nothing else.
close = partial(np.allclose, rtol=1e-5, atol=1e-6)
CONFIG = {"replicates": REPLICATES, "members": "looped", "epochs": 4, "steps_per_job": "round"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The study without races."""
    scratch = Scratch.create(tmp_path_factory.mktemp("whole") / "project", **CONFIG)
    scratch.finish()
    return scratch


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """The study with races."""
    folder = tmp_path_factory.mktemp("raced") / "project"
    scratch = Scratch.create(folder, **{**CONFIG, "steps_per_job": 1}, racing=True)
    scratch.finish()
    return scratch


@pytest.fixture
def project(raced, tmp_path):
    """A copy of the raced study's project."""
    return raced.copy(tmp_path / "project")


def records(scratch):
    """Records of steps by their place in the search."""
    return {
        str(path.relative_to(scratch.search)): path
        for path in sorted(scratch.search.rglob("step_*.h5"))
    }


def integrity(scratch, monkeypatch):
    monkeypatch.chdir(scratch.folder)
    found = Integrity("results", load("config/config.yaml"))
    found.check()
    return found


def lose_study(scratch):
    """Remove what is made of the steps: with it, Snakemake would not miss one."""
    for path in (scratch.search / "search.h5", scratch.study / "study.h5"):
        path.unlink()


def test_a_raced_step_is_the_first_replicates_of_the_same_step(raced, whole):
    expected = records(whole)
    counts = []
    for place, path in records(raced).items():
        content, attributes = read_hdf5(path)
        full, _ = read_hdf5(expected[place])
        n = len(content["measure"])
        counts.append(n)
        for name in ("loss", "accuracy", "penalty", "measure"):
            assert close(content[name], full[name][:n]), (place, name)
        assert attributes["labels"]["lambda"] > 0
        weights = load_file(path.with_suffix(".safetensors"))
        there = load_file(expected[place].with_suffix(".safetensors"))
        for name, values in weights.items():
            assert close(values, there[name][:n])
    assert set(records(raced)) == set(expected)
    assert 3 <= min(counts) < max(counts) == REPLICATES


def test_the_optimum_is_that_without_a_race(raced, whole):
    for name in ("round_0", "round_1"):
        found = read_json(raced.search / name / "decision.json")
        expected = read_json(whole.search / name / "decision.json")
        for key in ("lambdas", "optimum", "optimum_step", "next_bracket", "stop"):
            assert found[key] == expected[key], key
        for n, measure, there in zip(
            found["replicates"], found["measures"], expected["measures"], strict=True
        ):
            assert (measure is None) is (n < REPLICATES)
            assert measure is None or close(measure, there)


def test_the_study_file_says_how_many_replicates_a_step_has(raced):
    study = Study.read(raced.study / "study.h5")
    counts = study.replicates("steps")
    files = [len(read_run(path).measure) for path in records(raced).values()]
    assert sorted(counts) == sorted(files)
    measures = study.measures(study.steps)
    assert measures.shape[1] == REPLICATES
    assert np.array_equal(np.isfinite(measures).sum(axis=1), counts)
    row = int(counts.argmin())
    assert study.curves("steps", row, "loss").shape[0] == counts[row]


def test_a_raced_study_verifies_and_a_second_run_does_nothing(project, monkeypatch):
    assert not integrity(project, monkeypatch).findings
    assert not project.finish().jobs
    # How work is cut into jobs is the race's.
    assert not project.run("--config", "steps_per_job=2").jobs


def test_a_step_that_ended_too_early_is_found(project, monkeypatch):
    path = next(p for p in records(project).values() if len(read_run(p).measure) == REPLICATES)
    run, provenance = read_run(path), read_hdf5(path)[1]["provenance"]
    cut = {name: getattr(run, name)[:4] for name in ("loss", "accuracy", "penalty")}
    write_run(path, dataclasses.replace(run, **cut), provenance)
    findings = integrity(project, monkeypatch).findings
    assert any(path.name in line and "holds 4 replicates" in line for line in findings)


def test_a_lost_step_is_made_again_as_the_same_bytes(project):
    digest = project.digest()
    path = project.search / "round_0/step_1.h5"
    before = path.read_bytes()
    path.unlink()
    lose_study(project)
    project.finish()
    assert path.read_bytes() == before
    assert project.digest() == digest


def test_a_race_that_was_interrupted_goes_on_with_what_it_had_finished(project):
    """What a killed job leaves: some steps in the folder of finished ones, the outputs gone."""
    before = {path: path.read_bytes() for path in records(project).values()}
    place = project.search / "round_0"
    for step in (1, 3):
        folder = place / ".finished" / f"step_{step}"
        folder.mkdir(parents=True)
        for name in (f"step_{step}.h5", f"step_{step}.safetensors"):
            shutil.copy(place / name, folder)
    for path in place.glob("step_*"):
        path.unlink()
    lose_study(project)
    done = project.finish()
    assert len(trained(done.jobs)) == 1
    log = (project.folder / "logs/small/trial_0/fisher/round_0/steps_0_to_3.log").read_text()
    assert log.count("was finished before the job was interrupted") == 2
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("given", "what"),
    [("randomness=independent", "randomness common"), ("replicates=3", "replicates at least 4")],
)
def test_a_race_that_cannot_be_held_is_refused_before_training(project, given, what):
    done = project.run("--config", given)
    assert done.status != 0
    assert "config: racing: " in done.text
    assert what in done.text
    assert not done.jobs
