"""The benchmark of a GPU, tried on the CPU, with the packages alone that it says it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scratch import ROOT

pytestmark = pytest.mark.workflow

# What a Python with torch, numpy, pandas, h5py, scipy, pyyaml and safetensors has not.
BARE = """
import sys

ABSENT = set("snakemake jsonschema matplotlib sklearn pooch PIL tqdm hypothesis pytest".split())


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Absent())
"""
PARTS = ("tests", "compare", "graphs", "default_study", "fisher", "published")


def gpu(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(BARE)
    paths = os.pathsep.join([str(folder), str(ROOT / "workflow/scripts")])
    return subprocess.run(
        [sys.executable, "benchmarks/gpu.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )


def test_every_part_runs_on_the_cpu_with_few_packages(tmp_path):
    done = gpu(tmp_path, "--tiny", "--data-folder", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert [line.partition(",")[0] for line in said.splitlines() if ", at most" in line] == list(
        PARTS
    )
    for words in (
        "left out: there is no pytest",
        "random images in place of MNIST",
        "original_cnn: losses differ by at most",
        "same bits: True",
        "1 trials, 2 rounds of 9 steps, reference lines",
        "ms a sample",
        "Extrapolated",
        "all parts ended well",
    ):
        assert words in said, said


def test_without_a_gpu_nothing_is_measured_unasked(tmp_path):
    done = gpu(tmp_path)
    assert done.returncode != 0
    assert "torch sees no GPU on this machine" in done.stderr


def test_a_part_that_fails_is_named(tmp_path):
    """Here by a time limit that none can keep; the others run all the same."""
    script = (ROOT / "benchmarks/gpu.py").read_text()
    limits = script[script.index("LIMITS = {") : script.index("}", script.index("LIMITS = {")) + 1]
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/shared").symlink_to(ROOT / "benchmarks/shared")
    short = script.replace(limits, 'LIMITS = {"fisher": 0.01, "tests": 60}')
    (tmp_path / "benchmarks/gpu.py").write_text(short)
    (tmp_path / "sitecustomize.py").write_text(BARE)
    paths = os.pathsep.join([str(tmp_path), str(ROOT / "workflow/scripts")])
    done = subprocess.run(
        [sys.executable, str(tmp_path / "benchmarks/gpu.py"), "--tiny"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "not ended after 0.01 s" in done.stdout
    assert "failed: fisher" in done.stdout
    assert "left out: there is no pytest" in done.stdout
