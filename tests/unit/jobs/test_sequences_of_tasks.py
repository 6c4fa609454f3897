"""Whole studies of other sequences and other set-ups, by the scripts of the rules."""

import gzip
import struct
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from in_process import files_of, run
from made_up_sites import save, several_sites, table

from ewc_lambda.data.prepared import read_task_names
from ewc_lambda.data.sources import mnist
from ewc_lambda.results.runs import read_run
from ewc_lambda.results.study_file import Study
from ewc_lambda.store.records import read_json

# Enough for a task to be learned.
LONG = {"epochs": 40, "learning_rate": 0.01, "samples_per_task": None}


def finished(folder, **config):
    files = files_of(folder, {"low_range": [1, 10], "max_rounds": 1, **config})
    run(files)
    assert run(files) == []
    return files


def losses(files, trial=0):
    return read_run(files.product("reference", trial=trial, reference="finetuning").record).loss


def learned(files):
    """How much the last loss of the newest task is below its first, mean over replicates."""
    loss = losses(files).mean(axis=0)[:, -1]
    return loss[-1] < 0.8 * loss[0]


def test_two_sites_each_with_a_file(tmp_path):
    tasks = [{"npz_file": save(tmp_path, f"site_{n}.npz", table(seed=n))} for n in range(2)]
    files = finished(tmp_path, tasks=tasks, standardize=True, **LONG)
    assert read_task_names(files.record("data")) == ["site_0", "site_1"]
    assert Study.read(files.record("study")).tasks == ["site_0", "site_1"]
    assert learned(files)


def test_the_sites_of_one_file_with_one_head(tmp_path):
    path = save(tmp_path, "sites.npz", several_sites())
    files = finished(
        tmp_path, dataset="npz", npz_file=path, tasks=["all"] * 3, heads="shared", epochs=2
    )
    assert losses(files).shape[2] == 3


def test_two_regressions_of_ones_own(tmp_path):
    tasks = [
        {"npz_file": save(tmp_path, f"r{n}.npz", table(seed=n, regression=True))} for n in range(2)
    ]
    files = finished(tmp_path, tasks=tasks, loss="mean_squared_error", **LONG)
    assert learned(files)


@pytest.fixture
def idx_files(tmp_path, monkeypatch):
    """MNIST and Fashion-MNIST in their format, 40 pictures for training and 20 for test each."""
    counts = {"train": 40, "t10k": 20}
    monkeypatch.setattr(mnist, "COUNTS", {"train": 40, "test": 20})
    for seed, name in enumerate(("mnist", "fashion_mnist")):
        generator = np.random.default_rng(seed)
        folder, digests = tmp_path / "data" / name, {}
        folder.mkdir(parents=True)
        for part, count in counts.items():
            labels = np.arange(count) % 10
            x = generator.integers(0, 60, (count, 28, 28)) + 19 * labels[:, None, None]
            for values, kind in ((x, "images-idx3"), (labels, "labels-idx1")):
                header = bytes([0, 0, 8, values.ndim]) + struct.pack(
                    f">{values.ndim}I", *values.shape
                )
                data = gzip.compress(header + values.astype(np.uint8).tobytes(), mtime=0)
                (folder / f"{part}-{kind}-ubyte.gz").write_bytes(data)
                digests[f"{part}-{kind}-ubyte.gz"] = sha256(data).hexdigest()
            if part == "train":
                monkeypatch.setitem(mnist.KNOWN_LABELS, name, (*labels[:3], *labels[-3:]))
        known = tuple(
            replace(file, sha256=digests[file.name], urls=()) for file in mnist.PUBLISHED[name]
        )
        monkeypatch.setitem(mnist.PUBLISHED, name, known)
    return str(tmp_path / "data")


def test_mnist_and_then_fashion_mnist(tmp_path, idx_files):
    tasks = [{"dataset": "mnist"}, {"dataset": "fashion_mnist", "classes": ["coat", "bag"]}]
    files = finished(tmp_path, tasks=tasks, data_folder=idx_files, image_size=14, epochs=2)
    names = read_task_names(files.record("data"))
    assert names == ["mnist", "fashion_mnist coat,bag"]


@pytest.mark.parametrize("order", ["drawn", "drawn_classes"])
def test_tasks_that_each_trial_draws(tmp_path, order):
    files = finished(tmp_path, trials=4, task_order=order, tasks=[[0, 1], [2, 3], [4, 5]])
    bases = [files.product("base_model", trial=trial).record for trial in range(4)]
    drawn = [tuple(read_json(base)["tasks"]) for base in bases]
    assert len(set(drawn)) > 1
    assert Study.read(files.record("study")).tasks == [f"task {n} (drawn)" for n in range(3)]


def test_the_set_up_of_a_published_study(tmp_path):
    config = {
        "tasks": [[0, 1], [2, 3], [4, 5]],
        "task_order": "drawn_classes",
        "trials": 2,
        "optimizer_state": "carried",
        "updates": 7,
        "evaluations_per_epoch": 2,
        "terms": "online",
        "image_padding": 2,
        "standardize": True,
        "negative_slope": 0.01,
        "gradient_clip": 5.0,
        "importance_batch": 16,
        "synaptic_damping": 0.1,
        "importance": ["fisher_batched", "fisher_predicted", "fisher_reversed"],
    }
    files = finished(tmp_path, **config)
    assert losses(files).shape[1] == 1 + 3 * 2
    study = Study.read(files.record("study"))
    assert study.importances == config["importance"]
    assert study.evaluations_per_task == 2
    assert study.config["optimizer_state"] == "carried"


def test_with_and_without_a_shared_first_task_the_carried_state_is_the_same(tmp_path):
    shared = {"optimizer_state": "carried", "replicates": 1, "epochs": 2, "max_rounds": 1}
    common = finished(tmp_path / "common", **shared)
    carried = losses(common)
    reset = losses(finished(tmp_path / "reset", **{**shared, "optimizer_state": "reset"}))
    # The first task is the same; then what is remembered makes a difference.
    assert np.array_equal(carried[:, :3], reset[:, :3])
    assert not np.array_equal(carried[:, 3:], reset[:, 3:])
