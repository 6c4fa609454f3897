"""Every job of a study with ``device: cuda``, on the device that stands in for a GPU: that no
tensor is left on another one, and no operation is refused as not deterministic.
"""

import shutil

import pytest
from scratch import ROOT, Scratch, kinds

pytestmark = pytest.mark.workflow

# All that comes with a dispatch mode is imported once, before jobs are forked.
STAND_IN = """
import pytest
import stand_in_gpu
import torch._dynamo


def open_device(config):
    assert config["device"] == "cuda"
    stand_in_gpu.make_up_values(pytest.MonkeyPatch())
    stand_in_gpu.Deterministic().__enter__()
    return stand_in_gpu.DEVICE
"""


@pytest.mark.parametrize(
    "config",
    [
        {"importance": ["fisher_sampled", "synaptic_intelligence"], "racing": True},
        {"randomness": "independent", "dataset": "digits", "model": "small_cnn"},
    ],
    ids=["common", "independent"],
)
def test_a_study_on_a_gpu_runs_through(config, tmp_path):
    given = {"device": "cuda", "members": "stacked", "replicates": 4, **config}
    scratch = Scratch.create(tmp_path / "project", **given)
    library = scratch.folder / "workflow/scripts"
    shutil.copy2(ROOT / "tests/makers/stand_in_gpu.py", library)
    with (library / "ewc_lambda/learning/device.py").open("a") as device:
        device.write(STAND_IN)
    done = scratch.run()
    assert done.status == 0, done.text
    jobs = kinds(done.jobs)
    for name in given.get("importance", ["fisher"]):
        assert jobs[f"Trial N, {name}: evaluate the chosen lambda on the test split"] == 1
        assert jobs[f"Trial N, {name}, round N: train several lambda steps"] == 2
    assert jobs["Trial N: train the reference line joint"] == 1
    assert (scratch.folder / "results/small/study.h5").exists()
