"""One's own arrays from an .npz file."""

import hashlib
import re

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


def pictures(high, kind, *shape):
    """Pictures of six and of three samples with values up to ``high``, all different."""
    numbers = np.arange(high - 8, high + 1)
    stacked = np.stack([np.full(shape, number, kind) for number in numbers])
    return {"x_train": stacked[:6], "x_test": stacked[6:]}


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
    full = {
        f"x_{split}": np.full((count, *shape), 255, np.uint8)
        for split, count in (("train", 6), ("test", 3))
    }
    data = load(tmp_path, arrays(**full))
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
        ({"y_test": np.array([0, 1, 3])}, "y_test: label 3 is not in y_train, .* are 0 to 2$"),
        ({"y_train": np.array([0, 1, 2, 0, 1, -1])}, "y_train: label -1 is below 0"),
        ({"y_train": np.ones((6, 2), int)}, r"y_train: has shape \(6, 2\), .*one class for each"),
        ({"y_train": np.eye(3)[[0, 1, 2, 0, 1, 2]]}, r"y_train: .* one-hot; save y_train.argmax"),
        ({"y_train": np.eye(3, dtype=int)[[0] * 6]}, r"y_train: .* one-hot; save y_train.argmax"),
        ({"y_train": np.ones(6, bool)}, r"y_train: holds bool; save .* y_train.astype\(int\)"),
        ({"y_train": np.arange(6.0)}, "must both be whole numbers"),
        ({"y_train": np.array(list("abcdef"))}, "y_train: holds text; save .*return_inverse"),
        ({"y_train": np.full(6, np.nan), "y_test": np.ones(3)}, "y_train: 6 values are NaN"),
        ({"y_train": np.ones((6, 2)), "y_test": np.ones((3, 1))}, r"\(N, D\)"),
        ({"x_train": np.ones(6)}, r"x_train: has shape \(6,\)"),
        ({"x_train": np.ones((6, 3))}, "must be alike"),
        ({"x_train": np.array([["a"] * 4] * 6)}, "x_train: holds <U1"),
        ({"x_train": np.array([[None] * 4] * 6)}, "not of Python objects"),
        ({"x_train": np.ones((6, 0, 8))}, r"x_train: has shape \(6, 0, 8\), .* hold no values"),
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


def test_classes_are_the_labels_that_occur(tmp_path):
    data = load(tmp_path, arrays(y_train=np.array([3, 8, 5] * 2), y_test=np.array([8, 5, 3])))
    assert data.classes == ("3", "5", "8")
    assert data.y_train.tolist() == [0, 2, 1, 0, 2, 1]
    assert data.y_test.tolist() == [2, 1, 0]


@pytest.mark.parametrize("shape", [(28, 28, 3), (30, 40, 4), (28, 28, 1)])
def test_channels_last_are_refused(tmp_path, shape):
    pictures = {"x_train": np.ones((6, *shape)), "x_test": np.ones((3, *shape))}
    with pytest.raises(StudyError, match=r"x_train: .* channels first.* x.transpose\(0, 3, 1, 2\)"):
        load(tmp_path, arrays(**pictures))


# Colours first, and 8 time series as pictures of one column.
@pytest.mark.parametrize("shape", [(3, 28, 28), (1, 4, 4), (3, 5, 3), (8, 100, 1), (1, 1, 1)])
def test_channels_first_are_taken_whatever_their_size(tmp_path, shape):
    pictures = {"x_train": np.ones((6, *shape)), "x_test": np.ones((3, *shape))}
    assert load(tmp_path, arrays(**pictures)).x_train.shape == (6, *shape)


@pytest.mark.parametrize(
    ("kind", "shape", "way"),
    [
        (np.int64, (5, 5), "divide by 255 .* or save it as uint8"),
        (np.float64, (1, 5, 5), "divide by 255 .* or save it as uint8"),
        (np.uint8, (25,), "divide by 255 before you save it$"),
    ],
)
def test_grey_values_that_are_not_scaled_are_told(tmp_path, kind, shape, way):
    (note,) = load(tmp_path, arrays(**pictures(255, kind, *shape))).notes
    assert re.search(rf"^own\.npz: x_train .* from 247 to 252 and is taken unscaled.*{way}", note)


def test_pictures_of_16_bits_are_told_their_own_divisor(tmp_path):
    x = np.arange(6 * 25, dtype=np.uint16).reshape(6, 5, 5) * 400
    (note,) = load(tmp_path, arrays(x_train=x, x_test=x[:3] + 1)).notes
    assert note.endswith("divide by 65535 before you save it")


def test_targets_saved_as_whole_numbers_are_no_classes(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 2))
    for labels, classes in ((30, True), (31, False)):
        y = np.arange(60) % labels
        content = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
        if classes:
            assert len(load(tmp_path, content).classes) == 30
        else:
            with pytest.raises(StudyError, match=r"has 31 labels in 60 samples.* as floats"):
                load(tmp_path, content)


def test_home_is_written_as_in_a_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "own.npz", **arrays())
    for given in ({"npz_file": "~/own.npz", "data_folder": "."}, {"npz_file": "own.npz"}):
        assert len(DATASETS["npz"].load({"data_folder": "~", **given}).x_test) == 3


def test_columns_that_are_not_scaled_are_told(tmp_path):
    x = -100.0 * np.arange(24).reshape(6, 4)
    (note,) = load(tmp_path, arrays(x_train=x)).notes
    assert "subtract each column's mean" in note


def test_scaled_inputs_are_worth_no_note(tmp_path):
    assert load(tmp_path, arrays()).notes == ()
    assert load(tmp_path, arrays(**pictures(255, np.uint8, 5, 5))).notes == ()


def test_samples_that_are_tested_after_they_were_trained_are_told(tmp_path):
    content = arrays()
    content["x_test"][1] = content["x_train"][4]
    (note,) = load(tmp_path, content).notes
    assert note.startswith("own.npz: 1 of 3 samples of x_test are in x_train too, value for value")


def test_a_few_repeated_rows_of_a_table_are_worth_no_note(tmp_path):
    x = np.random.default_rng(0).normal(size=(300, 4))
    content = {"x_train": x[:100], "y_train": np.arange(100) % 3}
    content |= {"x_test": x[99:], "y_test": np.arange(201) % 3}
    assert load(tmp_path, content).notes == ()


def test_samples_that_are_all_alike_are_told(tmp_path):
    (note,) = load(tmp_path, arrays(x_train=np.ones((6, 4)), x_test=np.ones((3, 4)))).notes
    assert note == "own.npz: all samples of x_train are alike, so nothing can be learned from them"


def test_a_file_that_was_cut_short_is_told_as_such(tmp_path):
    np.savez(tmp_path / "whole.npz", **arrays())
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        StudyError, match=r"cut\.npz: is damaged or cut short \(.*download it again$"
    ):
        DATASETS["npz"].load({"npz_file": str(tmp_path / "cut.npz"), "data_folder": "."})


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
        with pytest.raises(StudyError, match=rf"{name}\.npz: (cannot be read|is )"):
            DATASETS["npz"].load({"npz_file": str(path), "data_folder": "."})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid", "begins with 'version https://git-l"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"\n<!doctype html>\n<html>", "a web page: download the file itself"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"MATLAB 5.0 MAT-file", "scipy.io.loadmat"),
        (b"\x80\x04\x95", "a pickle, which is never read"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"x,y\n1,2\n", "begins with 'x,y'; save one with numpy.savez"),
        (b"", "it is empty"),
    ],
)
def test_what_is_no_npz_is_named_by_how_it_begins(tmp_path, content, message):
    path = tmp_path / "own.npz"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=rf"own\.npz: is no \.npz: .*{re.escape(message)}"):
        DATASETS["npz"].load({"npz_file": str(path), "data_folder": "."})
