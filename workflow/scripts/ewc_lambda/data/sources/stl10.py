"""STL-10: colour pictures of 96 x 96, the labelled part of the published archive.

The format (Coates, Lee, Ng, https://cs.stanford.edu/~acoates/stl10/): unsigned bytes without a
header. A picture is its red, then its green, then its blue values, each in column-major order; a
label is 1 to 10. The 100,000 pictures without a label are not read.
"""

from __future__ import annotations

import numpy as np

from ewc_lambda.data.sources.archive import read_members
from ewc_lambda.data.sources.base import (
    Config,
    Dataset,
    DatasetInfo,
    RemoteFile,
    check_count,
    check_labels,
    check_lengths,
)
from ewc_lambda.errors import StudyError

_SIDE = 96
_PICTURE = 3 * _SIDE * _SIDE
FOLDER = "stl10_binary"
COUNTS = {"train": 5_000, "test": 8_000}
_CLASSES = (
    "airplane",
    "bird",
    "car",
    "cat",
    "deer",
    "dog",
    "horse",
    "monkey",
    "ship",
    "truck",
)
ARCHIVE = RemoteFile(
    "stl10_binary.tar.gz",
    "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866",
    (
        "https://cs.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
        "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
    ),
)


def decode_pictures(data: bytes, source: str) -> np.ndarray:
    """Pictures (N, 3, 96, 96) uint8, rows before columns; StudyError for a broken-off picture."""
    if len(data) % _PICTURE:
        raise StudyError(
            f"{source}: has {len(data)} bytes, which is no whole number of pictures of {_PICTURE} "
            "bytes; the file is cut short or not of STL-10"
        )
    stored = np.frombuffer(data, dtype=np.uint8).reshape(-1, 3, _SIDE, _SIDE)
    return np.ascontiguousarray(stored.transpose(0, 1, 3, 2))


def load_stl10(config: Config) -> Dataset:
    """Read STL-10: 5,000 pictures for training, 8,000 for test, x (N, 3, 96, 96) uint8.

    ``stl10_binary.tar.gz`` (2.6 GB) is taken from the data folder or downloaded; the folder
    ``stl10_binary`` in the data folder serves as well.
    """
    members = ("train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin")
    contents, sources = read_members(config, "stl10", ARCHIVE, FOLDER, members)
    splits = {}
    for part in ("train", "test"):
        where = f"stl10: {FOLDER}/{part}"
        # Taken out of the dictionary, so that the stored bytes are freed once they are decoded.
        x = decode_pictures(contents.pop(f"{part}_X.bin"), f"{where}_X.bin")
        labels = np.frombuffer(contents.pop(f"{part}_y.bin"), dtype=np.uint8)
        check_lengths(x, labels, f"{where}_X.bin and {part}_y.bin")
        check_count(len(x), COUNTS[part], f"{where}_X.bin")
        splits[part] = (x, check_labels(labels, 10, f"{where}_y.bin", first=1))
    return Dataset("stl10", *splits["train"], *splits["test"], _CLASSES, 1 / 255, sources)


STL10 = DatasetInfo(
    name="stl10", task="classes", load=load_stl10, classes=_CLASSES, files=(ARCHIVE,)
)
