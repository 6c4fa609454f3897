"""CIFAR-10: colour pictures of 32 x 32, from the binary version of the published archive.

The format (Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version"): records
of 3,073 bytes without anything between them. The first byte is the label, 0 to 9; then 1,024
red, 1,024 green and 1,024 blue values, each colour in row-major order. A file has 10,000 records.
"""

from __future__ import annotations

import numpy as np

from ewc_lambda.data.sources.archive import read_members
from ewc_lambda.data.sources.base import Config, Dataset, DatasetInfo, RemoteFile, check_labels
from ewc_lambda.errors import StudyError

_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
RECORDS = 10_000
FOLDER = "cifar-10-batches-bin"
_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = ("test_batch.bin",)
_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
ARCHIVE = RemoteFile(
    "cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    (
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/"
        "cifar-10-binary.tar.gz",
    ),
)


def decode_batch(data: bytes, records: int, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 3, 32, 32) uint8 and labels (N,) int64 of one file with N = ``records``.

    Raises StudyError, which names ``source``, for another size or a label outside 0 to 9.
    """
    if len(data) != records * _RECORD:
        raise StudyError(
            f"{source}: has {len(data)} bytes, but {records} records of {_RECORD} bytes are "
            f"{records * _RECORD}; the file is cut short or not a CIFAR-10 batch"
        )
    table = np.frombuffer(data, dtype=np.uint8).reshape(records, _RECORD)
    return table[:, 1:].reshape(records, *_SHAPE), check_labels(table[:, 0], 10, source)


def load_cifar10(config: Config) -> Dataset:
    """Read CIFAR-10: 50,000 pictures for training, 10,000 for test; see ``decode_batch``.

    ``cifar-10-binary.tar.gz`` is taken from the data folder or downloaded; the folder
    ``cifar-10-batches-bin`` in the data folder serves as well.
    """
    contents, sources = read_members(config, "cifar10", ARCHIVE, FOLDER, _TRAIN + _TEST)
    batches = {
        name: decode_batch(data, RECORDS, f"cifar10: {FOLDER}/{name}")
        for name, data in contents.items()
    }
    x_train, y_train = (np.concatenate([batches[name][part] for name in _TRAIN]) for part in (0, 1))
    x_test, y_test = batches[_TEST[0]]
    return Dataset("cifar10", x_train, y_train, x_test, y_test, _CLASSES, 1 / 255, sources)


CIFAR10 = DatasetInfo(
    name="cifar10", task="classes", load=load_cifar10, classes=_CLASSES, files=(ARCHIVE,)
)
