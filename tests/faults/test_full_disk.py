"""The disk is full while each kind of file is written: one clear message, no half file, and the
same command finishes once there is room.
"""

import os
import shutil
import subprocess

import pytest

MEGABYTES = 24


@pytest.fixture
def small_disk(request):
    """Makes a project's results folder a file system of its own, with what is in it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small tmpfs")
    mounted = []

    def mount(project):
        results = project.folder / "results"
        results.mkdir(exist_ok=True)
        kept = project.folder / "results.kept"
        results.rename(kept)
        results.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", results]
        if subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("mounting a tmpfs is not allowed here")
        mounted.append(results)
        shutil.copytree(kept, results, dirs_exist_ok=True)
        return results / "filler"

    yield mount
    for results in mounted:
        # Lazily: a process of the run may be on its way out.
        subprocess.run(["umount", "--lazy", results], check=True)


def fill(filler):
    """Fill the disk to the last byte."""
    with filler.open("ab") as file:
        block = b"\0" * 4096
        try:
            while True:
                os.write(file.fileno(), block)
        except OSError:
            return


def refused(project, filler, *names):
    """A run on the full disk ends with a message about each of these files, and leaves none."""
    fill(filler)
    done = project.run()
    filler.unlink()
    assert done.status != 0, done.text
    assert "Traceback" not in done.text
    for name in names:
        lines = [line for line in done.text.splitlines() if "cannot be written" in line]
        assert any(name in line and "No space left on device" in line for line in lines), done.text
        assert not list(project.study.rglob(name))
    assert not project.leftovers()


def test_files_of_a_growing_study(fresh, finished, small_disk):
    filler = small_disk(fresh)
    stages = [
        (["prepare_data", "make_grid"], ["data.h5", "grid.json"]),
        (["create_base_model"], ["base_model.safetensors"]),
        (["train_first_task"], ["first_task.safetensors"]),
        (["train_step", "train_reference"], ["step_1.safetensors", "joint.safetensors"]),
    ]
    for rules, names in stages:
        refused(fresh, filler, *names)
        fresh.run("--until", *rules)
    refused(fresh, filler, "decision.json")
    fresh.finish()
    assert fresh.digest() == finished.digest()
    assert fresh.finished() == finished.finished(), "a finished job was run again"


def test_files_that_gather(project, finished, small_disk):
    filler = small_disk(project)
    for names in (["search.h5", "test.h5"], ["study.h5"]):
        for name in {*names, "study.h5"}:
            next(project.study.rglob(name)).unlink()
        refused(project, filler, *names)
        project.finish()
        assert project.digest() == finished.digest()


def test_record_after_its_weights(project, finished, small_disk):
    """Room for a step's weights, but not for its record."""
    filler = small_disk(project)
    weights = project.search / "round_0/step_1.safetensors"
    record = weights.with_suffix(".h5")
    size = weights.stat().st_size
    weights.unlink()
    record.unlink()
    for name in ("round_0/decision.json", "search.h5", "test.h5", "../../study.h5"):
        (project.search / name).unlink()
    fill(filler)
    os.truncate(filler, filler.stat().st_size - -(-size // 4096) * 4096)
    done = project.run()
    filler.unlink()
    assert done.status != 0
    assert "step_1.h5: cannot be written" in done.text
    assert not record.exists()
    assert not weights.exists(), "weights without a record"
    project.finish()
    assert project.digest() == finished.digest()
