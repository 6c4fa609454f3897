"""A NumPy .npz file with the arrays x_train, y_train, x_test and y_test, and perhaps task_train and
task_test, which say of each sample of which task it is.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from ewc_lambda.data.sources.base import Config, Dataset, DatasetInfo, check_lengths, listed
from ewc_lambda.data.sources.download import data_folder, file_digest, not_there
from ewc_lambda.data.sources.npz_labels import float32, targets
from ewc_lambda.data.sources.npz_notes import repeated, unscaled
from ewc_lambda.data.sources.npz_tasks import task_numbers
from ewc_lambda.errors import StudyError

_TASKS = ("task_train", "task_test")
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
# How a file begins, and what it then is.
_ZIP = b"PK"
_NPY = b"\x93NUMPY"
_OTHERS = {
    b"version https://git-lfs": "a pointer of git LFS: get the file itself with git lfs pull",
    b"<": "a web page: download the file itself",
    b"\x89HDF": "an HDF5 file: read its arrays by h5py and save them with numpy.savez",
    b"MATLAB": "a .mat file: read its arrays by scipy.io.loadmat and save them with numpy.savez",
    b"\x80": "a pickle, which is never read: save its arrays with numpy.savez",
    b"\x1f\x8b": "a gzip file: unpack it",
}
# Colours of a pixel: red, green, blue, and how much of it is seen.
_COLOURS = (3, 4)


def load_npz(config: Config) -> Dataset:
    """Read the file ``npz_file``, as a path of its own or else within the data folder.

    x is a table (N, F) or pictures (N, C, H, W) or (N, H, W), which gets one channel. Pictures
    of uint8 stay so and are scaled by 1/255; everything else becomes float32 and is not scaled,
    which the data set's notes say where values are large, as they say what is tested that was
    trained. Whole-number y (N,) or (N, 1) are
    classes, those that occur in y_train; float y (N,) or (N, D) are targets of a regression,
    float32.

    Raises StudyError, which names the file and the array, for a missing file or array, an array
    of Python objects (pickles are never read), another shape, arrays of unequal length, a label
    that y_train has not, a value that is not finite, and numbers of tasks with gaps.
    """
    path = find_file(config)
    sources = _digests(config)
    arrays = _read(path)
    x_train, scale = _samples(arrays["x_train"], f"{path}: x_train")
    x_test, test_scale = _samples(arrays["x_test"], f"{path}: x_test")
    if x_train.shape[1:] != x_test.shape[1:] or scale != test_scale:
        raise StudyError(
            f"{path}: samples of x_train {x_train.shape[1:]} {x_train.dtype} and x_test "
            f"{x_test.shape[1:]} {x_test.dtype} differ, they must be alike"
        )
    y_train, y_test, classes = targets(arrays["y_train"], arrays["y_test"], path)
    check_lengths(x_train, y_train, f"{path}: x_train, y_train")
    check_lengths(x_test, y_test, f"{path}: x_test, y_test")
    notes = tuple(repeated(x_train, x_test, path.name))
    if scale == 1 and not config.get("standardize"):
        notes = (*unscaled(x_train, arrays["x_train"], path.name), *notes)
    tasks = task_numbers(arrays, (len(y_train), len(y_test)), path)
    return Dataset("npz", x_train, y_train, x_test, y_test, classes, scale, sources, notes, *tasks)


def _digests(config: Config) -> dict[str, str]:
    path = find_file(config)
    return {path.name: file_digest(path, None)}


def find_file(config: Config) -> Path:
    """Path of ``npz_file``, by itself or in the data folder."""
    for path in (Path(config["npz_file"]).expanduser(), data_folder(config) / config["npz_file"]):
        if path.is_file():
            return path
    raise StudyError(
        f"npz_file: {config['npz_file']} does not exist, neither by itself nor in the "
        f"data_folder {config['data_folder']}; docs/own-data.md shows how to write one"
        f"{not_there(config)}"
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    expected = f"it needs the arrays {', '.join(_ARRAYS)}"
    try:
        # The stream is opened here, because NumPy leaves its own open when the file is damaged.
        with path.open("rb") as stream:
            _check_beginning(path, stream.read(40))
            stream.seek(0)
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise StudyError(f"{path}: is a single array and no .npz; {expected}")
            for name in _ARRAYS:
                if name not in file.files:
                    has = listed(file.files) or "none"
                    raise StudyError(f"{path}: has no array {name}; {expected} and has {has}")
            return {name: file[name] for name in (*_ARRAYS, *_TASKS) if name in file.files}
    except zipfile.BadZipFile as error:
        raise StudyError(
            f"{path}: is damaged or cut short ({error}): it begins as an .npz and does not end as "
            "one; copy or download it again"
        ) from error
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise StudyError(
            f"{path}: cannot be read as .npz ({error}); save it by numpy.savez with arrays of "
            "numbers, not of Python objects"
        ) from error


def _check_beginning(path: Path, begins: bytes) -> None:
    if begins.startswith((_ZIP, _NPY)):
        return
    if not begins:
        raise StudyError(f"{path}: is no .npz: it is empty")
    known = (what for start, what in _OTHERS.items() if begins.lstrip().startswith(start))
    shown = begins.decode("ascii", "backslashreplace").splitlines()[0].strip()
    what = next(known, "save one with numpy.savez")
    raise StudyError(f"{path}: is no .npz: it begins with '{shown}'; {what}")


def _samples(x: np.ndarray, source: str) -> tuple[np.ndarray, float]:
    if x.ndim not in (2, 3, 4):
        raise StudyError(
            f"{source}: has shape {x.shape}, expected (N, F), (N, H, W) or (N, C, H, W)"
        )
    if x.ndim == 4 and _channels_last(x.shape[1:]):
        raise StudyError(
            f"{source}: has shape {x.shape}, but pictures are taken channels first, (N, C, H, W); "
            f"save it as x.transpose(0, 3, 1, 2)"
        )
    if 0 in x.shape[1:]:
        raise StudyError(f"{source}: has shape {x.shape}, so its samples hold no values")
    if x.ndim == 3:
        x = x[:, None]
    if x.dtype == np.uint8 and x.ndim == 4:
        return x, 1 / 255
    return float32(x, source), 1.0


def _channels_last(shape: tuple[int, ...]) -> bool:
    """Whether pictures (H, W, C) were saved, as Keras has them, and not (C, H, W)."""
    rows, columns, last = shape
    # One channel at the end is told by the square before it: (C, H, 1) may be C time series.
    grey = last == 1 and rows == columns > 1
    return (last in _COLOURS and rows not in (1, *_COLOURS)) or grey


NPZ = DatasetInfo(
    name="npz",
    task="classes",
    load=load_npz,
    images=None,
    needs=("npz_file",),
    find=find_file,
    labels="y_train",
    digests=_digests,
)
