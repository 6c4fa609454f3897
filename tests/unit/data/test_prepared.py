"""The data file of a study, and the problem made of it."""

import dataclasses

import h5py
import numpy as np
import pytest
import torch

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.prepared import (
    SPLITS,
    _channels_last,
    read_prepared,
    read_task_names,
    write_prepared,
)
from ewc_lambda.data.scenarios import Scenario, Task, build_scenario
from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.learning.problems import as_samples, build_problem

COUNTS = {"train": 20, "validation": 6, "test": 5}


def scenario(shape=(1, 2, 3), kind="classification"):
    """Two tasks whose samples are all different."""
    generator = np.random.default_rng(0)
    tasks = []
    for k in range(2):
        splits = {}
        for split, count in COUNTS.items():
            x = generator.integers(256, size=(count, *shape), dtype=np.uint8)
            y = (np.arange(count) + k) % 3
            if kind == "regression":
                y = generator.normal(size=(count, 3)).astype(np.float32)
            splits[split] = (x, y)
        classes = () if kind == "regression" else ("a", "b", f"c{k}")
        tasks.append(Task(f"task {k}", classes, 3, splits))
    sources = {"data.bin": "0" * 64}
    return Scenario(tuple(tasks), kind, shape, 1 / 255, sources)


@pytest.fixture
def prepared(tmp_path):
    write_prepared(tmp_path / "data.h5", scenario(), {"code_sha256": "c", "config": {}})
    return read_prepared(tmp_path / "data.h5")


def config(**changes):
    return resolve({"batch_size": 8, **changes})


def test_prepared_data_are_read_as_they_were_written(prepared):
    written = scenario()
    assert prepared.kind == "classification"
    assert prepared.input_shape == (1, 2, 3)
    assert prepared.scale == 1 / 255
    for task, info, splits in zip(written.tasks, prepared.tasks, prepared.splits, strict=True):
        assert (info.name, info.outputs) == (task.name, task.outputs)
        for split in SPLITS:
            for one, other in zip(task.splits[split], splits[split], strict=True):
                assert one.dtype == other.dtype
                assert np.array_equal(one, other)


def test_the_same_data_are_the_same_bytes_and_seal(tmp_path, prepared):
    write_prepared(tmp_path / "again.h5", scenario(), {"code_sha256": "c", "config": {}})
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "data.h5").read_bytes()
    assert read_prepared(tmp_path / "again.h5").sha256 == prepared.sha256


def test_digits_survive_the_file(tmp_path):
    written = build_scenario(config())
    write_prepared(tmp_path / "digits.h5", written, {"code_sha256": "c", "config": {}})
    found = read_prepared(tmp_path / "digits.h5")
    for task, splits in zip(written.tasks, found.splits, strict=True):
        assert np.array_equal(task.splits["train"][0], splits["train"][0])


def test_task_names_are_read_alone(tmp_path, prepared):
    assert read_task_names(tmp_path / "data.h5") == ["task 0", "task 1"]


def test_axes_are_named(tmp_path, prepared):
    with h5py.File(tmp_path / "data.h5", "r") as file:
        assert file["task_0/train/x"].attrs["axes"] == "sample, channel, row, column"
        assert file["task_1/test/y"].attrs["axes"] == "sample"
    write_prepared(tmp_path / "flat.h5", scenario((4,)), {"code_sha256": "c", "config": {}})
    with h5py.File(tmp_path / "flat.h5", "r") as file:
        assert file["task_0/train/x"].attrs["axes"] == "sample, feature"


@pytest.mark.parametrize("read", [read_prepared, read_task_names])
def test_damaged_data_are_refused(tmp_path, prepared, read):
    path = tmp_path / "data.h5"
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(BrokenFileError, match="data"):
        read(path)


# ------------------------------------------------------------------ the problem


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(7, 3, 4, 5), (7, 1, 2, 2), (7, 6), (1, 3, 2, 2), (0, 3, 2, 2)])
def test_samples_are_scaled_floats_with_the_channels_last(kind, shape):
    """As if all of them had been turned into floats when they were read."""
    x = np.random.default_rng(0).integers(256, size=shape).astype(kind)
    samples = as_samples(x, np.arange(shape[0]), 1 / 255)
    assert samples.x.dtype == (torch.uint8 if kind is np.uint8 else samples.x.dtype)
    last = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, 1, -1)))
    whole = last.to(torch.float32) * (1 / 255)
    for rows in [slice(None), slice(2, 5), torch.tensor([[4, 0], [6, 6]]) % max(shape[0], 1)]:
        if shape[0] == 0 and not isinstance(rows, slice):
            continue
        taken, targets = samples.take(rows)
        expected = whole[rows].movedim(-1, -3) if len(shape) == 4 else whole[rows]
        assert taken.dtype == torch.float32
        assert torch.equal(taken, expected)
        assert taken.stride() == expected.stride() or not taken.numel()
        assert torch.equal(targets, torch.arange(shape[0])[rows])
        assert torch.equal(samples.part(rows).x, samples.x[rows])
    assert samples.x.shape == (*last.shape,)


@pytest.mark.parametrize("shape", [(4, 3, 2, 5), (4, 1, 2, 5), (0, 3, 2, 2), (4, 6), (4,)])
def test_the_order_in_memory_is_nothing_to_the_values(shape):
    x = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    assert np.array_equal(_channels_last(x), x)


def test_pictures_are_not_copied_before_they_are_taken():
    x = _channels_last(np.zeros((5, 3, 4, 4), dtype=np.uint8))
    samples = as_samples(x, np.arange(5), 0.5)
    x[2] = 4
    assert samples[slice(2, 3)].unique().tolist() == [2.0]


def test_problem_holds_training_and_selection_samples_of_every_task(prepared):
    for split in ("validation", "test"):
        problem = build_problem(config(selection_split=split), prepared)
        assert problem.tasks == 2
        assert [len(samples) for samples in problem.train] == [COUNTS["train"]] * 2
        assert [len(samples) for samples in problem.selection] == [COUNTS[split]] * 2
        x = problem.selection[1].take(slice(None))[0].numpy()
        assert np.allclose(x, prepared.splits[1][split][0] / 255, atol=1e-7)


def test_problem_of_later_stages_leaves_earlier_training_samples_on_disk(prepared):
    problem = build_problem(config(), prepared, range(1, 2))
    assert [len(samples) for samples in problem.train] == [0, COUNTS["train"]]
    assert [len(samples) for samples in problem.selection] == [COUNTS["validation"]] * 2


def test_samples_that_are_not_wanted_cannot_be_had(tmp_path, prepared):
    path, whole = tmp_path / "data.h5", prepared
    part = read_prepared(path, lambda task, split: (task, split) == (1, "train"))
    assert part.sha256 == whole.sha256
    for task, splits in enumerate(whole.splits):
        for split, (x, y) in splits.items():
            read, labels = part.splits[task][split]
            np.testing.assert_array_equal(labels, y)
            assert (len(read), read.shape, read.dtype) == (len(x), x.shape, x.dtype)
            if (task, split) == (1, "train"):
                np.testing.assert_array_equal(read, x)
                continue
            for use in USES:
                with pytest.raises((LookupError, AttributeError), match=f"task_{task}/{split}/x"):
                    use(read)


USES = (
    lambda x: x[0],
    lambda x: x[:0],
    lambda x: x[np.arange(2)],
    lambda x: x.copy(),
    lambda x: x.mean(),
    lambda x: x.ndim,
    lambda x: list(x),
    np.asarray,
    np.mean,
    lambda x: np.concatenate([x, x]),
    lambda x: np.moveaxis(x, 1, -1),
    lambda x: as_samples(x, np.zeros(len(x)), 1.0),
)


def test_settings_are_those_of_the_config(prepared):
    given = {
        "epochs": 3,
        "batch_size": 7,
        "learning_rate": 0.02,
        "loss": "binary_cross_entropy",
        "evaluations_per_epoch": 2,
        "importance_samples": 11,
        "normalize": "mean",
        "terms": "online",
        "decay": 0.25,
        "importance_batch": 5,
        "synaptic_damping": 0.1,
    }
    rule = {
        "optimizer": "sgd",
        "optimizer_state": "carried",
        "momentum": 0.9,
        "weight_decay": 0.01,
        "gradient_clip": 2.0,
    }
    other = {
        "augment_zoom": 0.1,
        "augment_rotation": 20,
        "augment_flip": True,
        "precision": "bfloat16",
    }
    whole = config(**given, **rule, **other)
    settings = dataclasses.asdict(build_problem(whole, prepared).settings)
    augmentation = {"zoom": 0.1, "rotation": 20, "flip": True}
    assert settings == {
        **given,
        "stacked": True,
        "augmentation": augmentation,
        "bfloat16": True,
        "running_statistics": "updated",
        "updates": None,
        "rule": rule,
    }


def test_with_updates_a_task_is_one_epoch_of_as_many_batches(prepared):
    settings = build_problem(config(updates=50, evaluations_per_epoch=50), prepared).settings
    assert (settings.epochs, settings.updates) == (1, 50)


@pytest.mark.parametrize(
    ("members", "stacked"), [("auto", True), ("stacked", True), ("looped", False)]
)
def test_members_of_a_dense_model_are_stacked_unless_told(prepared, members, stacked):
    assert build_problem(config(members=members), prepared).settings.stacked is stacked


def test_more_evaluations_than_batches_are_refused_by_the_name_of_the_key(prepared):
    assert build_problem(config(evaluations_per_epoch=3), prepared)
    with pytest.raises(StudyError, match=r"^evaluations_per_epoch: 4 .* at most 3\.$"):
        build_problem(config(evaluations_per_epoch=4), prepared)


def test_a_loss_that_does_not_fit_the_data_is_refused(tmp_path, prepared):
    with pytest.raises(StudyError, match=r"^loss: mean_squared_error"):
        build_problem({**config(), "loss": "mean_squared_error"}, prepared)
    write_prepared(
        tmp_path / "r.h5", scenario((4,), "regression"), {"code_sha256": "c", "config": {}}
    )
    with pytest.raises(StudyError, match=r"^loss: softmax_cross_entropy"):
        build_problem(config(), read_prepared(tmp_path / "r.h5"))


def test_a_model_that_does_not_fit_the_data_is_refused(prepared):
    with pytest.raises(StudyError, match=r"^model: original_cnn needs images"):
        build_problem(config(model="original_cnn"), prepared)


def test_augmentation_of_a_table_is_refused(tmp_path):
    write_prepared(tmp_path / "t.h5", scenario((4,)), {"code_sha256": "c", "config": {}})
    with pytest.raises(StudyError, match=r"^augment_zoom, .* need pictures, .* shape \(4,\)"):
        build_problem(config(augment_flip=True), read_prepared(tmp_path / "t.h5"))


def test_data_are_named_by_their_content_and_not_by_who_made_them(tmp_path):
    """A remade file of another revision is another file, and the same data."""
    for name, revision, first in (("a", "1", 0), ("b", "2", 0), ("c", "2", 1)):
        made = scenario()
        x, _ = made.tasks[0].splits["train"]
        x.flat[0] = first
        known = {"code_sha256": "c", "config": {}, "revision": revision}
        write_prepared(tmp_path / f"{name}.h5", made, known)
    one, same, other = (read_prepared(tmp_path / f"{name}.h5").sha256 for name in "abc")
    assert one == same != other
    assert (tmp_path / "a.h5").read_bytes() != (tmp_path / "b.h5").read_bytes()
