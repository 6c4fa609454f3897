"""One's own arrays from an .npz file."""

import hashlib

import numpy as np
import pytest

from ewc_lambda.data.sources import DATASETS
from ewc_lambda.errors import StudyError


def arrays(**changes):
    generator = np.random.default_rng(3)
    return {
        "x_train": generator.normal(size=(6, 4)),
        "y_train": np.array([0, 1, 2, 0, 1, 2]),
        "x_test": generator.normal(size=(3, 4)),
        "y_test": np.array([0, 1, 2]),
        **changes,
    }


def load(folder, content, name="own.npz"):
    np.savez(folder / name, **content)
    return DATASETS["npz"].load({"npz_file": str(folder / name), "data_folder": str(folder)})


def test_table(tmp_path):
    content = arrays()
    data = load(tmp_path, content)
    assert data.x_train.dtype == np.float32
    assert data.x_train == pytest.approx(content["x_train"], rel=1e-6)
    assert data.y_train.dtype == np.int64
    assert data.classes == ("0", "1", "2")
    assert data.scale == 1
    digest = hashlib.sha256((tmp_path / "own.npz").read_bytes()).hexdigest()
    assert data.sources == {"own.npz": digest}


def test_path_within_the_data_folder(tmp_path):
    np.savez(tmp_path / "own.npz", **arrays())
    data = DATASETS["npz"].load({"npz_file": "own.npz", "data_folder": str(tmp_path)})
    assert len(data.x_test) == 3


@pytest.mark.parametrize("shape", [(5, 5), (1, 5, 5), (3, 5, 5)])
def test_uint8_pictures_stay_uint8(tmp_path, shape):
    pictures = {
        f"x_{split}": np.full((count, *shape), 255, np.uint8)
        for split, count in (("train", 6), ("test", 3))
    }
    data = load(tmp_path, arrays(**pictures))
    assert data.x_train.shape == (6, *shape) if len(shape) == 3 else (6, 1, 5, 5)
    assert data.x_train.dtype == np.uint8
    assert data.x_train.max() * data.scale == 1


def test_uint8_tables_become_float(tmp_path):
    tables = {"x_train": np.ones((6, 4), np.uint8), "x_test": np.ones((3, 4), np.uint8)}
    data = load(tmp_path, arrays(**tables))
    assert data.x_train.dtype == np.float32
    assert data.scale == 1


def test_float_targets_are_a_regression(tmp_path):
    data = load(tmp_path, arrays(y_train=np.arange(6.0), y_test=np.ones((3, 1))))
    assert data.classes == ()
    assert data.y_train.tolist() == [[0], [1], [2], [3], [4], [5]]
    assert data.y_train.dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": np.full((6, 4), np.nan)}, r"x_train: 24 values are NaN.*\(0, 0\)"),
        ({"x_test": np.full((3, 4), np.inf)}, "x_test: 12 values are NaN or infinite"),
        ({"x_test": np.full((3, 4), 1e300)}, "x_test: 12 values are NaN or infinite"),
        ({"y_train": np.array([0, 1, 2, 0, 1])}, "y_train: 6 samples but 5 labels"),
        ({"y_test": np.array([0, 1, 3])}, "y_test: label 3 is out of range, allowed are 0 to 2"),
        ({"y_train": np.array([0, 1, 2, 0, 1, -1])}, "y_train: label -1 is out of range"),
        ({"y_train": np.ones((6, 2), int)}, r"y_train has shape \(6, 2\)"),
        ({"y_train": np.arange(6.0)}, "must both be whole numbers"),
        ({"y_train": np.array(list("abcdef"))}, "must both be whole numbers"),
        ({"y_train": np.full(6, np.nan), "y_test": np.ones(3)}, "y_train: 6 values are NaN"),
        ({"y_train": np.ones((6, 2)), "y_test": np.ones((3, 1))}, r"\(N, D\)"),
        ({"x_train": np.ones(6)}, r"x_train: has shape \(6,\)"),
        ({"x_train": np.ones((6, 3))}, "must be alike"),
        ({"x_train": np.array([["a"] * 4] * 6)}, "x_train: holds <U1"),
        ({"x_train": np.array([[None] * 4] * 6)}, "not of Python objects"),
        (
            {"x_test": np.ones((0, 4)), "y_test": np.ones(0, int)},
            "x_test, y_test: holds no samples",
        ),
    ],
)
def test_bad_contents_name_file_and_array(tmp_path, changes, message):
    with pytest.raises(StudyError, match=rf"own\.npz.*{message}"):
        load(tmp_path, arrays(**changes))


def test_missing_array(tmp_path):
    content = arrays()
    del content["y_test"]
    with pytest.raises(StudyError, match=r"own\.npz: has no array y_test"):
        load(tmp_path, content)


def test_missing_file(tmp_path):
    with pytest.raises(StudyError, match=r"npz_file: nowhere\.npz does not exist"):
        DATASETS["npz"].load({"npz_file": "nowhere.npz", "data_folder": str(tmp_path)})


def test_files_of_another_kind(tmp_path):
    np.savez(tmp_path / "whole.npz", **arrays())
    whole = (tmp_path / "whole.npz").read_bytes()
    np.save(tmp_path / "single.npy", np.ones(3))
    contents = {
        "text": b"hello",
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "bit": whole[:200] + bytes([whole[200] ^ 255]) + whole[201:],
        "single": (tmp_path / "single.npy").read_bytes(),
    }
    for name, content in contents.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        with pytest.raises(StudyError, match=rf"{name}\.npz: (cannot be read|is a single array)"):
            DATASETS["npz"].load({"npz_file": str(path), "data_folder": "."})
