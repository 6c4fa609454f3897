"""Files that lead elsewhere or fill the memory are refused before anything of them is read."""

import time

import h5py
import numpy as np
import pytest
from hostile import HOSTILE, seal

from ewc_lambda.errors import BrokenFileError
from ewc_lambda.store.records import read_attributes, read_hdf5, write_hdf5


@pytest.mark.parametrize("fill", HOSTILE, ids=lambda fill: fill.__name__)
def test_a_sealed_file_that_harms_its_reader_is_refused_in_seconds(tmp_path, fill):
    path = seal(tmp_path / "study.h5", fill)
    start = time.monotonic()
    with pytest.raises(BrokenFileError) as caught:
        read_hdf5(path)
    assert time.monotonic() - start < 5
    assert str(caught.value).startswith(f"{path}: refused: ")
    assert HOSTILE[fill] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_refused_is_what_was_put_in(tmp_path):
    """A file made the same way without harm is read."""

    def fill(file):
        file["steps/loss"] = [1.0]
        # As study files had them at first.
        file["steps/name"] = np.array(["fisher", "", "größer"], dtype=h5py.string_dtype())

    content, _ = read_hdf5(seal(tmp_path / "study.h5", fill))
    assert content["steps/loss"].tolist() == [1.0]
    assert content["steps/name"].tolist() == ["fisher", "", "größer"]


def test_groups_within_themselves_are_looked_through_once(tmp_path):
    def fill(file):
        group = file.create_group("steps")
        group["loss"] = [1.0]
        group["again"] = group

    assert list(read_hdf5(seal(tmp_path / "study.h5", fill))[0]) == ["steps/loss"]


@pytest.mark.parametrize("read", [read_hdf5, read_attributes])
def test_a_long_attribute_is_refused(tmp_path, read):
    path = seal(tmp_path / "study.h5", lambda file: None, {"tasks": np.arange(1001)})
    with pytest.raises(BrokenFileError, match="its attribute tasks is no value or short list"):
        read(path)


@pytest.mark.parametrize("text", ["{", '{"a": ' * 100_000])
def test_an_attribute_that_is_no_json_is_refused(tmp_path, text):
    path = seal(tmp_path / "study.h5", lambda file: None, {"config": text[:60_000]})
    with pytest.raises(BrokenFileError, match="not what HDF5 can read"):
        read_attributes(path)


@pytest.mark.parametrize("value", [0.0, np.nan, 1.0])
def test_what_packs_best_is_read_again(tmp_path, value):
    """What the writer makes the reader takes, however far it grows."""
    content = {"steps/loss": np.full((4000, 6000), value, dtype=np.float32)}
    path = tmp_path / "study.h5"
    write_hdf5(path, content, {})
    assert content["steps/loss"].nbytes > 500 * path.stat().st_size
    assert np.array_equal(read_hdf5(path)[0]["steps/loss"], content["steps/loss"], equal_nan=True)
