"""A model of the user's own in the workflow: its file is watched, its faults end a run early."""

import json
import re

import pytest
from scratch import ROOT, Scratch, trained

pytestmark = pytest.mark.workflow

BASE = "results/small/trial_0/base_model.json"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose base model was made from the example's file."""
    folder = tmp_path_factory.mktemp("own_model") / "project"
    scratch = Scratch.create(folder, model="custom", model_file="mine.py")
    (folder / "mine.py").write_text((ROOT / "config/models/residual_mlp.py").read_text())
    done = scratch.run(BASE)
    assert done.status == 0, done.text
    return scratch


def test_the_base_model_keeps_the_text_and_digest_of_the_file(project):
    record = json.loads((project.folder / BASE).read_text())
    assert record["model_source"] == [(project.folder / "mine.py").read_text()]
    assert re.fullmatch("[0-9a-f]{64}", record["provenance"]["model_sha256"])


def test_a_changed_file_is_a_reason_to_run_again(project, tmp_path):
    changed = project.copy(tmp_path / "project")
    assert "Nothing to be done" in changed.run("--dry-run", BASE).text
    path = changed.folder / "mine.py"
    path.write_text(path.read_text().replace("WIDTH = 32", "WIDTH = 16"))
    done = changed.run("--dry-run", BASE)
    # Planned, and stopped at the frozen base model that is in the way.
    assert "create_base_model" in done.text
    assert "prepare_data" not in done.text
    assert not trained(changed.run(BASE).jobs)


def test_a_file_that_fails_ends_the_run_before_training(project, tmp_path):
    broken = project.blank(tmp_path / "project")
    (broken.folder / "mine.py").write_text("def trunk(input_shape):\n    return 3\n")
    done = broken.run()
    assert done.status != 0
    assert not trained(done.jobs)
    assert "create_base_model: model_file: trunk of mine.py returned int" in done.text


def test_weights_that_are_the_same_in_every_trial_are_told_once(project, tmp_path):
    fixed = project.blank(tmp_path / "project")
    path = fixed.folder / "mine.py"
    text = path.read_text().replace(
        "    inputs = 1\n", "    torch.manual_seed(1)\n    inputs = 1\n"
    )
    path.write_text(text.replace("from torch import nn\n", "import torch\nfrom torch import nn\n"))
    bases = [BASE, BASE.replace("trial_0", "trial_1")]
    done = fixed.run("--config", "trials=2", "--", *bases)
    assert done.status == 0, done.text
    note = "mine.py: the trunk begins with the same weights in every trial, whatever its seed"
    assert done.text.count(note) == 1
    assert note not in (project.folder / "snakemake.out").read_text()


def test_a_missing_file_ends_the_run_before_anything(tmp_path):
    done = Scratch.create(tmp_path / "project", model="custom", model_file="mine.py").run()
    assert done.status != 0
    assert not done.jobs
    assert "config: model_file: mine.py cannot be read" in done.text
