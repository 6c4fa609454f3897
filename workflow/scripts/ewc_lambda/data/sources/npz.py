"""A NumPy .npz file with the arrays x_train, y_train, x_test and y_test."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from ewc_lambda.data.sources.base import (
    Config,
    Dataset,
    DatasetInfo,
    check_labels,
    check_lengths,
    listed,
)
from ewc_lambda.data.sources.download import file_digest
from ewc_lambda.errors import StudyError

_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def load_npz(config: Config) -> Dataset:
    """Read the file ``npz_file``, as a path of its own or else within the data folder.

    x is a table (N, F) or pictures (N, C, H, W) or (N, H, W), which gets one channel. Pictures
    of uint8 stay so and are scaled by 1/255; everything else becomes float32 and is not scaled.
    Whole-number y (N,) or (N, 1) are classes "0" to the largest of y_train; float y (N,) or
    (N, D) are targets of a regression, float32.

    Raises StudyError, which names the file and the array, for a missing file or array, an array
    of Python objects (pickles are never read), another shape, arrays of unequal length, a label
    out of range and a value that is not finite.
    """
    path = find_file(config)
    digest = file_digest(path, None)
    arrays = _read(path)
    x_train, scale = _samples(arrays["x_train"], f"{path}: x_train")
    x_test, test_scale = _samples(arrays["x_test"], f"{path}: x_test")
    if x_train.shape[1:] != x_test.shape[1:] or scale != test_scale:
        raise StudyError(
            f"{path}: samples of x_train {x_train.shape[1:]} {x_train.dtype} and x_test "
            f"{x_test.shape[1:]} {x_test.dtype} differ, they must be alike"
        )
    y_train, y_test, classes = _targets(arrays["y_train"], arrays["y_test"], path)
    check_lengths(x_train, y_train, f"{path}: x_train, y_train")
    check_lengths(x_test, y_test, f"{path}: x_test, y_test")
    sources = {path.name: digest}
    return Dataset("npz", x_train, y_train, x_test, y_test, classes, scale, sources)


def find_file(config: Config) -> Path:
    """Path of ``npz_file``, by itself or in the data folder."""
    for path in (Path(config["npz_file"]), Path(config["data_folder"]) / config["npz_file"]):
        if path.is_file():
            return path
    raise StudyError(
        f"npz_file: {config['npz_file']} does not exist, neither by itself nor in the "
        f"data_folder {config['data_folder']}; docs/own-data.md shows how to write one"
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    expected = f"it needs the arrays {', '.join(_ARRAYS)}"
    try:
        # The stream is opened here, because NumPy leaves its own open when the file is damaged.
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise StudyError(f"{path}: is a single array and no .npz; {expected}")
            for name in _ARRAYS:
                if name not in file.files:
                    has = listed(file.files) or "none"
                    raise StudyError(f"{path}: has no array {name}; {expected} and has {has}")
            return {name: file[name] for name in _ARRAYS}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise StudyError(
            f"{path}: cannot be read as .npz ({error}); save it by numpy.savez with arrays of "
            "numbers, not of Python objects"
        ) from error


def _samples(x: np.ndarray, source: str) -> tuple[np.ndarray, float]:
    if x.ndim not in (2, 3, 4):
        raise StudyError(
            f"{source}: has shape {x.shape}, expected (N, F), (N, H, W) or (N, C, H, W)"
        )
    if x.ndim == 3:
        x = x[:, None]
    if x.dtype == np.uint8 and x.ndim == 4:
        return x, 1 / 255
    return _float32(x, source), 1.0


def _targets(
    train: np.ndarray, test: np.ndarray, path: Path
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    if train.dtype.kind == "f" and test.dtype.kind == "f":
        y_train, y_test = (
            _float32(y[:, None] if y.ndim == 1 else y, f"{path}: {name}")
            for y, name in ((train, "y_train"), (test, "y_test"))
        )
        if y_train.ndim != 2 or y_test.shape[1:] != y_train.shape[1:]:
            raise StudyError(
                f"{path}: y_train {train.shape} and y_test {test.shape} must both be (N,) or (N, D)"
            )
        return y_train, y_test, ()
    if train.dtype.kind not in "iu" or test.dtype.kind not in "iu":
        raise StudyError(
            f"{path}: y_train ({train.dtype}) and y_test ({test.dtype}) must both be whole "
            "numbers (classes) or both floats (regression)"
        )
    flat = []
    for y, name in ((train, "y_train"), (test, "y_test")):
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            raise StudyError(f"{path}: {name} has shape {y.shape}, labels must be (N,)")
        flat.append(y)
    count = max(int(flat[0].max(initial=0)), 0) + 1
    y_train = check_labels(flat[0], count, f"{path}: y_train")
    return y_train, check_labels(flat[1], count, f"{path}: y_test"), tuple(map(str, range(count)))


def _float32(values: np.ndarray, source: str) -> np.ndarray:
    if values.dtype.kind not in "fiub":
        raise StudyError(f"{source}: holds {values.dtype}, expected numbers")
    # What is beyond float32 becomes infinite and is reported below like any other.
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)
    finite = np.isfinite(numbers)
    if not finite.all():
        place = tuple(int(index) for index in np.argwhere(~finite)[0])
        raise StudyError(
            f"{source}: {np.count_nonzero(~finite)} values are NaN or infinite, the first at "
            f"{place}; every value must be finite"
        )
    return numbers


NPZ = DatasetInfo(
    name="npz",
    task="classes",
    load=load_npz,
    images=None,
    needs=("npz_file",),
    find=find_file,
)
