"""A file of results is damaged: it is found before it is used, named, and made again; and nothing
that it had served is trained again.
"""

import re
import shutil
from pathlib import Path

import pytest
from scratch import Scratch, trained


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1 - len(content) // 3] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(content))


def flip_a_digit(path: Path) -> None:
    """One bit that leaves JSON what it is."""
    content = bytearray(path.read_bytes())
    digits = [place for place, byte in enumerate(content) if chr(byte) in "2345678"]
    content[digits[len(digits) // 2]] ^= 1
    path.write_bytes(bytes(content))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another_step(path: Path) -> None:
    shutil.copyfile(path.with_name("step_2.h5"), path)


def refused(project: Scratch, path: Path, because: str) -> None:
    """A run that ends with one message, which names the file and the reason."""
    done = project.run()
    assert done.status != 0, done.text
    messages = [line for line in done.text.splitlines() if because in line]
    assert messages, done.text
    assert all(str(path.relative_to(project.folder)) in line for line in messages)
    assert "Traceback" not in done.text


def made_again(project, finished, path, because):
    """A run that finds the file before it plans, says so, keeps the old copy and makes a new one.
    Which training jobs it took.
    """
    before = project.finished()
    done = project.finish()
    messages = [line for line in done.text.splitlines() if because in line]
    assert messages, done.text
    assert all(str(path.relative_to(project.folder)) in line for line in messages)
    return as_before(project, finished, path, before)


def refused_then_made_again(project, finished, path, because):
    """Two runs of the same command: in the first the job that uses the file refuses it, the second
    makes it again. Which training jobs it took.
    """
    before = project.finished()
    refused(project, path, because)
    project.finish()
    return as_before(project, finished, path, before)


def as_before(project, finished, path, before):
    """Everything is as it was, and the old copy is kept. What was trained since ``before``."""
    aside = project.study / "set_aside/1" / path.relative_to(project.study)
    assert path.with_name(f"{path.name}.broken").exists() or aside.exists()
    assert path.read_bytes() == (finished.folder / path.relative_to(project.folder)).read_bytes()
    assert project.digest() == finished.digest()
    assert "Nothing to be done" in project.finish().text
    return trained(project.finished() - before)


DAMAGES = {
    truncate: "does not match its own SHA-256",
    flip_a_bit: "does not match its own SHA-256",
    empty: "cut short",
    another_step: "its step is 2, not 1",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_step(project, finished, damage):
    step = project.search / "round_0/step_1.h5"
    damage(step)
    jobs = made_again(project, finished, step, DAMAGES[damage])
    assert jobs == ["Trial 0, fisher, round 0: train lambda step 1"]


def test_step_of_another_study(project, finished, tmp_path):
    """The same step of the same search, trained from another base model on other data."""
    other = finished.blank(tmp_path / "other")
    other.configure(seed=2, low_range=[1, 1], high_range=[1e5, 1e5], max_rounds=1)
    other.finish()
    project.configure(low_range=[1, 1], high_range=[1e5, 1e5], max_rounds=1)
    assert project.run("--config", "replace=true").status == 0
    undisturbed = project.digest()
    step = project.search / "round_0/step_1.h5"
    shutil.copyfile(other.search / "round_0/step_1.h5", step)
    done = project.finish()
    assert "round_0/step_1.h5: made with seed: 2, the config says 1. Made anew." in done.text
    assert trained(done.jobs) == ["Trial 0, fisher, round 0: train lambda step 1"]
    assert project.digest() == undisturbed


def test_weights_of_the_chosen_step(project, finished):
    """They are used for the evaluation on the test split."""
    for weights in project.search.glob("round_*/step_*.safetensors"):
        flip_a_bit(weights)
    (project.search / "test.h5").unlink()
    project.study.joinpath("study.h5").unlink()
    done = project.run()
    assert done.status != 0
    assert "its SHA-256 is not the recorded" in done.text
    (aside,) = project.search.glob("round_*/*.broken")
    before = project.finished()
    project.finish()
    assert project.digest() == finished.digest()
    step, round_ = aside.name.split(".")[0].split("_")[1], aside.parent.name.split("_")[1]
    expected = f"Trial 0, fisher, round {round_}: train lambda step {step}"
    assert trained(project.finished() - before) == [expected]


@pytest.mark.parametrize("damage", [truncate, flip_a_digit])
def test_grid(project, finished, damage):
    path = project.search / "round_0/grid.json"
    damage(path)
    because = "cut short" if damage is truncate else "does not match its own SHA-256"
    assert made_again(project, finished, path, because) == []


@pytest.mark.parametrize("damage", [truncate, flip_a_bit])
def test_decision(project, finished, damage):
    """Read before any job is planned, and made again in the same run."""
    path = project.search / "round_0/decision.json"
    damage(path)
    before = project.finished()
    said = f"{path.relative_to(project.folder)}: "
    assert re.search(f"^{said}.*Made anew.$", project.run("-n").text, re.MULTILINE)
    assert path.exists(), "a dry run changes nothing"
    done = project.finish()
    assert said in done.text
    assert path.with_name("decision.json.broken").exists()
    assert project.digest() == finished.digest()
    assert trained(project.finished() - before) == []


@pytest.mark.parametrize("name", ["first_task.h5", "first_task.safetensors"])
def test_first_task(project, finished, name):
    """Made again without training again the steps that had started from it."""
    path = project.study / "trial_0" / name
    flip_a_bit(path)
    lost = project.search / "round_0/step_1.h5"
    lost.unlink()
    (project.search / "round_0/decision.json").unlink()
    project.study.joinpath("study.h5").unlink()
    if path.suffix == ".h5":
        jobs = made_again(project, finished, path, "does not match its own")
    else:
        jobs = refused_then_made_again(project, finished, path, "is not the recorded")
    first = "Trial 0: train the first task once for all lambdas"
    assert jobs == ["Trial 0, fisher, round 0: train lambda step 1", first]


def test_prepared_data(project, finished):
    """Prepared again without a new base model or training."""
    path = project.study / "data.h5"
    flip_a_bit(path)
    assert made_again(project, finished, path, "does not match its own") == []


def test_data_and_weights_lost(project, finished):
    """The step is trained again, from data that are prepared again; no other is."""
    before = project.finished()
    (project.study / "data.h5").unlink()
    weights = project.search / "round_0/step_1.safetensors"
    weights.unlink()
    done = project.run("--", str(weights.relative_to(project.folder)))
    assert done.status == 0, done.text
    project.finish()
    assert project.digest() == finished.digest()
    assert trained(project.finished() - before) == ["Trial 0, fisher, round 0: train lambda step 1"]


@pytest.mark.parametrize("asked", [["-R", "train_first_task"], ["-f", "./FIRST_TASK"]])
def test_forced_job_without_data(project, finished, asked):
    """What is asked for though it stands needs its inputs, so that what was lost is made again."""
    (project.study / "data.h5").unlink()
    first = (project.study / "trial_0/first_task.h5").relative_to(project.folder)
    done = project.run(*(word.replace("FIRST_TASK", str(first)) for word in asked))
    assert done.status == 0, done.text
    assert trained(done.jobs) == ["Trial 0: train the first task once for all lambdas"]
    project.finish()
    assert project.digest() == finished.digest()


def test_what_is_left_of_a_larger_study(project, finished):
    """Broken files that today's config does not make are no reason to make them."""
    for name in ("fisher/round_7/step_1.h5", "../trial_5/fisher/round_0/step_1.h5"):
        path = project.study / "trial_0" / f"{name}.broken"
        path.parent.mkdir(parents=True)
        path.write_text("left")
    assert "Nothing to be done" in project.finish().text


def test_study_file_and_search_file(project, finished):
    """What is gathered is refused by its readers, and gathered again from the steps."""
    path = project.search / "search.h5"
    flip_a_bit(path)
    assert made_again(project, finished, path, "does not match its own") == []


def test_base_model(project, finished):
    """One bit of a frozen base model: everything that starts from it refuses it, and nothing
    replaces it. The way out that the message names leads to the same bytes.
    """
    path = project.study / "trial_0/base_model.safetensors"
    flip_a_bit(path)
    damaged = path.read_bytes()
    trial = path.parent
    users = {
        "evaluate_test": ["fisher/test.h5", "../study.h5"],
        "train_reference": ["reference/joint.h5", "reference/finetuning.h5"],
        "train_step": ["fisher/round_0/step_1.h5", "fisher/search.h5"],
        "train_first_task": ["first_task.h5", "first_task.safetensors"],
    }
    for rule, lost in users.items():
        for name in lost:
            (trial / name).unlink()
        done = project.run()
        assert done.status != 0
        (message, *_) = [line for line in done.text.splitlines() if line.startswith(f"{rule}: ")]
        assert f"{path.relative_to(project.folder)}: its SHA-256 is not the recorded" in message
        assert "restore it from a copy, or remove the folder" in message
    assert path.read_bytes() == damaged
    shutil.rmtree(path.parent)
    project.finish()
    assert project.digest() == finished.digest()
