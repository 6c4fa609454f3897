"""A training loop of one's own in the workflow: its file is watched, its faults end a run early."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from own_trainers import COMMAND, OWN, TRAINER
from scratch import ROOT, Scratch, trained

from ewc_lambda.trainers.outputs import read_losses

pytestmark = pytest.mark.workflow

CONFIG = {**OWN, "study": "small", "steps": 4, "trainer": "mine.py"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose study was trained by a file of the user's."""
    folder = tmp_path_factory.mktemp("own_trainer") / "project"
    scratch = Scratch.create(folder, **CONFIG)
    (folder / "mine.py").write_text(TRAINER)
    scratch.finish()
    return scratch


def test_the_base_model_keeps_the_text_and_digest_of_the_file(project):
    record = json.loads((project.study / "trial_0/base_model.json").read_text())
    assert record["model_source"] == [TRAINER]
    assert re.fullmatch("[0-9a-f]{64}", record["provenance"]["trainer_sha256"]["mine.py"])
    assert len(record["seeds"]) == CONFIG["replicates"]


def test_one_rule_instance_trains_each_lambda(project):
    messages = trained(project.finished())
    assert sum("train lambda step" in message for message in messages) == 4
    assert not any("joint" in message for message in messages)


def test_a_second_run_does_nothing_and_a_comment_neither(project, tmp_path):
    same = project.copy(tmp_path / "project")
    text = (same.folder / "mine.py").read_text()
    (same.folder / "mine.py").write_text("# a comment\n" + text)
    assert not same.finish().jobs


def test_a_changed_file_is_a_reason_to_ask(project, tmp_path):
    changed = project.copy(tmp_path / "project")
    path = changed.folder / "mine.py"
    path.write_text(path.read_text().replace("0.1 *", "0.2 *"))
    done = changed.run()
    assert done.status != 0
    assert "made by another mine.py, or by other code" in done.text
    assert "holds a finished study" in done.text
    done = changed.run("--config", "replace=true")
    assert done.status == 0, done.text
    assert len(trained(done.jobs)) == 6


def test_a_lost_step_is_made_again_as_the_same_bytes(project, tmp_path):
    lost = project.copy(tmp_path / "project")
    digest = lost.digest()
    for path in (lost.search / "round_0/step_2.h5", lost.search / "search.h5"):
        path.unlink()
    (lost.study / "study.h5").unlink()
    assert len(trained(lost.finish().jobs)) == 1
    assert lost.digest() == digest


def test_steps_of_one_job_give_the_same_study(project, tmp_path):
    other = project.blank(tmp_path / "project")
    other.arguments += ["--config", "steps_per_job=round"]
    done = other.finish()
    assert other.digest() == project.digest()
    assert "Trial 0, fisher, round 0: train several lambda steps" in done.jobs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def train(*_):\n    return 3 / 0\n", "mine.py, line 2: ZeroDivisionError: division by"),
        (
            "def train(*_):\n    return [[1]]\n",
            "mine.py: train returned losses of shape (1, 1); with epochs",
        ),
    ],
)
def test_a_file_that_fails_ends_the_run_before_training(project, tmp_path, text, said):
    broken = project.blank(tmp_path / "project")
    (broken.folder / "mine.py").write_text(text)
    done = broken.run()
    assert done.status != 0
    assert not trained(done.jobs)
    assert f"create_base_model: trainer: {said}" in done.text
    assert "Traceback" not in done.text


def test_a_missing_file_ends_the_run_before_anything(tmp_path):
    done = Scratch.create(tmp_path / "project", **CONFIG).run()
    assert done.status != 0
    assert not done.jobs
    assert "config: trainer: mine.py cannot be read" in done.text


def test_a_command_is_driven_as_well(tmp_path):
    command = "python3 mine.py --lambda {lambda} --seed {seed} --out {output}"
    config = {**CONFIG, "trainer": None, "trainer_command": command}
    scratch = Scratch.create(tmp_path / "project", **config)
    (scratch.folder / "mine.py").write_text(COMMAND)
    scratch.finish()
    record = json.loads((scratch.study / "trial_0/base_model.json").read_text())
    assert record["model_source"] == [COMMAND]


AVALANCHE = ROOT / ".venv-avalanche/bin/python"


# A ready trainer, on fewer epochs and lambdas.
SHORT = {"epochs": 1, "replicates": 2, "steps": 4, "max_rounds": 1, "samples_per_task": 40}


@pytest.mark.skipif(
    not AVALANCHE.exists(),
    reason="AVALANCHE IS NOT TESTED: no .venv-avalanche (benchmarks/lambda_step.py makes it)",
)
def test_avalanche_trains_in_a_python_of_its_own(tmp_path):
    study = {
        "trainer": "config/trainers/avalanche_ewc.py",
        "trainer_python": str(AVALANCHE),
        "steps_per_job": "round",
        **SHORT,
    }
    scratch = Scratch.create(tmp_path / "project", **study)
    scratch.finish()
    assert len(list(scratch.search.rglob("step_*.h5"))) == 4


def test_the_ready_program_writes_what_is_read(tmp_path):
    script = ROOT / "config/trainers/linear_command.py"
    out = tmp_path / "losses"
    found = {}
    for value in ("0", "1", "1e6"):
        given = ["--lambda", value, "--seed", "1", "--base-seed", "2", "--out", str(out)]
        subprocess.run([sys.executable, str(script), *given], check=True)
        found[value] = read_losses(out, "trainer_command")["losses"]
    assert {losses.shape for losses in found.values()} == {(40, 2)}
    # The first task is the same; the second is not learned where the first is held.
    assert all(np.array_equal(found["0"][:20], losses[:20]) for losses in found.values())
    held = found["1e6"]
    assert np.allclose(held[20:], held[19], rtol=1e-3)
    assert (np.diff([losses[-1, 1] for losses in found.values()]) > 0).all()


def test_the_ready_trainer_trains(tmp_path):
    """EWC in plain PyTorch, on fewer epochs and lambdas."""
    study = {
        "trainer": "config/trainers/plain_pytorch.py",
        **SHORT,
    }
    scratch = Scratch.create(tmp_path / "project", **study)
    scratch.finish()
    assert (scratch.study / "trial_0/reference/joint.h5").exists()
    assert (ROOT / "config/trainers/plain_pytorch.py").read_text().count("\n") < 160
