"""The record of a run: its measure, its round trip, and records of other runs."""

import dataclasses

import h5py
import numpy as np
import pytest

from ewc_lambda.errors import BrokenFileError
from ewc_lambda.results.runs import Run, introductions, read_run, write_run
from ewc_lambda.store.front import read_front
from ewc_lambda.store.provenance import recipe_of
from ewc_lambda.store.records import read_hdf5, write_hdf5

LABELS = {"trial": 2, "importance": "fisher", "round": 1, "step": 3, "lambda": 0.1 + 0.2}
MADE_BY = {"code_sha256": "c", "config": {"epochs": 2}}
ORIGIN = {"data": "d" * 64, "base_model": "b" * 64}


def run(**changes):
    """Two replicates, two tasks of two epochs with two evaluations each."""
    generator = np.random.default_rng(0)
    values = {
        "loss": generator.random((2, 9, 2)),
        "accuracy": generator.random((2, 9, 2)),
        "penalty": generator.random((2, 9)),
        "epoch": np.arange(9) / 2,
        "introduced": introductions(2, 2, 2),
        "labels": LABELS,
        "origin": ORIGIN,
    }
    return Run(**{**values, **changes})


def test_tasks_are_introduced_after_the_base_model_one_stage_after_the_other():
    assert introductions(3, 10, 1) == [1, 11, 21]
    assert introductions(2, 2, 2) == [1, 5]


def test_the_measure_sums_losses_since_introduction_times_the_spacing():
    one = run()
    expected = 0.5 * (one.loss[:, 1:, 0].sum(axis=1) + one.loss[:, 5:, 1].sum(axis=1))
    assert np.allclose(one.measure, expected, rtol=1e-14)


def test_a_loss_counts_for_the_epochs_since_the_evaluation_before():
    epoch = np.array([0, 0.25, 1, 1.25, 2, 2.5, 3, 3.75, 4])
    one = run(epoch=epoch)
    widths = [0.25, 0.75, 0.25, 0.75, 0.5, 0.5, 0.75, 0.25]
    expected = one.loss[:, 1:, 0] @ widths + one.loss[:, 5:, 1] @ widths[4:]
    assert np.allclose(one.measure, expected, rtol=1e-14)


def test_a_loss_that_counts_and_is_not_finite_is_divergence():
    assert not run().diverged
    loss = run().loss
    loss[1, 3, 1] = np.nan
    assert not run(loss=loss).diverged
    loss[1, 5, 1] = np.inf
    assert run(loss=loss).diverged


def test_a_run_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "step.h5"
    written = run(test_loss=np.ones((2, 2)), test_accuracy=np.zeros((2, 2)))
    write_run(path, written, MADE_BY)
    found = read_run(path)
    for field in dataclasses.fields(Run):
        one, other = getattr(written, field.name), getattr(found, field.name)
        if isinstance(one, np.ndarray):
            assert one.tobytes() == other.tobytes()
        elif field.name != "sha256":
            assert one == other
    assert found.sha256 == read_hdf5(path)[1]["sha256"]


def test_a_run_without_test_results_has_none(tmp_path):
    write_run(tmp_path / "a.h5", run(), MADE_BY)
    found = read_run(tmp_path / "a.h5")
    assert found.test_loss is None
    assert found.test_accuracy is None


def test_every_array_of_a_record_says_what_its_axes_are(tmp_path):
    write_run(tmp_path / "a.h5", run(), MADE_BY)
    with h5py.File(tmp_path / "a.h5", "r") as file:
        for name, data in file.items():
            assert len(data.attrs["axes"].split(", ")) == data.ndim, name
            assert data.attrs["description"]
        assert np.array_equal(file["epoch"], np.arange(9) / 2)
        assert file["introduced"][:].tolist() == [1, 5]
        assert not file.attrs["diverged"]


def test_the_same_run_is_the_same_bytes(tmp_path):
    for name in ("a.h5", "b.h5"):
        write_run(tmp_path / name, run(), MADE_BY)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_record_says_by_what_code_and_config_it_was_made(tmp_path):
    write_run(tmp_path / "a.h5", run(), MADE_BY)
    assert read_front(tmp_path / "a.h5").recipe == recipe_of(MADE_BY)
    assert read_hdf5(tmp_path / "a.h5")[1]["provenance"] == MADE_BY


def test_a_run_is_read_where_labels_and_origin_are_as_expected(tmp_path):
    write_run(tmp_path / "a.h5", run(), MADE_BY)
    assert read_run(tmp_path / "a.h5", **LABELS, **ORIGIN).labels == LABELS


@pytest.mark.parametrize(
    "expected",
    [
        {"trial": 1},
        {"importance": "random"},
        {"round": 0},
        {"step": 2},
        # The next double.
        {"lambda": 0.3},
        {"base_model": "c" * 64},
        {"reference": "joint"},
    ],
)
def test_the_record_of_another_run_is_refused(tmp_path, expected):
    path = tmp_path / "step.h5"
    write_run(path, run(), MADE_BY)
    (name,) = expected
    with pytest.raises(BrokenFileError, match=f"its {name} is .*, not ") as caught:
        read_run(path, **{**LABELS, **expected})
    assert str(path) in str(caught.value)


def test_a_sealed_file_that_is_no_run_is_refused(tmp_path):
    write_hdf5(tmp_path / "a.h5", {"loss": np.zeros(3)}, {"content": "study"})
    with pytest.raises(BrokenFileError, match="not the record of a run"):
        read_run(tmp_path / "a.h5")


def test_a_damaged_record_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    write_run(path, run(), MADE_BY)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BrokenFileError):
        read_run(path)
