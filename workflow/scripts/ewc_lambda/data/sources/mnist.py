"""MNIST, Fashion-MNIST and KMNIST: pictures of 28 x 28 grey values in IDX files.

The IDX format (LeCun, Cortes, Burges: THE MNIST DATABASE of handwritten digits, section "FILE
FORMATS FOR THE MNIST DATABASE"): two zero bytes, one byte for the type (0x08: unsigned byte),
one byte for the number of dimensions, each dimension as a big-endian 32-bit integer, then the
values in row-major order.
"""

from __future__ import annotations

import functools
import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from ewc_lambda.data.sources.base import (
    Config,
    Dataset,
    DatasetInfo,
    RemoteFile,
    check_count,
    check_labels,
    check_lengths,
)
from ewc_lambda.data.sources.download import fetch, locate, read_checked
from ewc_lambda.errors import StudyError

_UNSIGNED_BYTE = 0x08
_SIDE = 28
_CLASSES = 10
_PARTS = {"train": "train", "test": "t10k"}


def decode_idx(data: bytes, source: str) -> np.ndarray:
    """Array of unsigned bytes from the contents of an IDX file (read-only, shares ``data``).

    Raises StudyError, which names ``source``, if the magic number is wrong or the size is not
    the one that the header announces.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UNSIGNED_BYTE:
        raise StudyError(
            f"{source}: is not an IDX file of unsigned bytes (it begins with {data[:4].hex()!r}, "
            "expected 000008 and the number of dimensions)"
        )
    dimensions = data[3]
    header = 4 + 4 * dimensions
    if len(data) < header:
        raise StudyError(f"{source}: ends within its header, it is cut short")
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    size = math.prod(shape)
    if len(data) - header != size:
        raise StudyError(
            f"{source}: holds {len(data) - header} values but its header announces {size}, the "
            "file is damaged"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)


def unpack(data: bytes, path: Path) -> bytes:
    """Contents of a gzip file; StudyError, which names it, where it is damaged."""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise StudyError(f"{path}: is not a whole gzip file ({error})") from error


def load_idx(config: Config, name: str, classes: tuple[str, ...]) -> Dataset:
    """Read MNIST or one of its kind: x (N, 1, 28, 28) uint8, 60,000 for training, 10,000 for test.

    The four .gz files are taken from the data folder or downloaded; unpacked ones in the data
    folder serve as well. Raises StudyError for a missing, wrong or damaged file.
    """
    files = PUBLISHED[name]
    plain = {file.name: locate(config, name, file.name.removesuffix(".gz")) for file in files}
    packed = {file.name: locate(config, name, file.name) for file in files}
    wanted = tuple(file for file in files if packed[file.name] or not plain[file.name])
    paths = fetch(config, name, wanted)
    arrays: dict[str, np.ndarray] = {}
    sources: dict[str, str] = {}
    for file in files:
        if file.name in paths:
            path = paths[file.name]
            data, digest = read_checked(path, file.sha256)
            data = unpack(data, path)
        else:
            path = plain[file.name] or Path(file.name)
            data, digest = read_checked(path, UNPACKED.get((name, path.name)))
            _check_owner(path, digest, name)
        arrays[file.name.removesuffix(".gz")] = decode_idx(data, str(path))
        sources[path.name] = digest
    splits = {}
    for part, prefix in _PARTS.items():
        x = arrays[f"{prefix}-images-idx3-ubyte"]
        y = arrays[f"{prefix}-labels-idx1-ubyte"]
        where = f"{name}: {prefix}-images-idx3-ubyte and {prefix}-labels-idx1-ubyte"
        if x.ndim != 3 or x.shape[1:] != (_SIDE, _SIDE) or y.ndim != 1:
            raise StudyError(
                f"{where}: shapes {x.shape} and {y.shape}, expected (N, {_SIDE}, {_SIDE}) and (N,)"
            )
        check_lengths(x, y, where)
        check_count(len(x), COUNTS[part], where)
        splits[part] = (x[:, None], check_labels(y, _CLASSES, where))
    _check_sample(name, splits["train"][1])
    return Dataset(name, *splits["train"], *splits["test"], classes, 1 / 255, sources)


def _check_sample(name: str, labels: np.ndarray) -> None:
    """Other data sets come under the names, and in the numbers, of Fashion-MNIST."""
    known = KNOWN_LABELS.get(name)
    if known is not None and (*labels[:3].tolist(), *labels[-3:].tolist()) != known:
        raise StudyError(
            f"{name}: train-labels-idx1-ubyte begins with {labels[:3].tolist()} and ends with "
            f"{labels[-3:].tolist()}, and that of {name} with {list(known[:3])} and "
            f"{list(known[3:])}: the files are of another data set with the same names"
        )


def _check_owner(path: Path, digest: str, name: str) -> None:
    """The data sets' files have the same names, and unpacked ones may have no checksum."""
    for (owner, _), known in UNPACKED.items():
        if digest == known and owner != name:
            raise StudyError(
                f"{path}: is the file of {owner}, not of {name}, whose files have the same names; "
                f"put these into a folder {name} in data_folder"
            )


def _files(mirrors: tuple[str, ...], digests: tuple[str, ...]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(name, sha256, tuple(mirror + name for mirror in mirrors))
        for name, sha256 in zip(_NAMES, digests, strict=True)
    )


_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
DIGIT_NAMES = tuple("0123456789")
CLOTHES_NAMES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
# The first character of each row of the Kuzushiji table, as its authors list the classes.
KUZUSHIJI_NAMES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
# SHA-256 of the unpacked files, for those who keep them so. Of the others none is published.
UNPACKED: dict[tuple[str, str], str] = {
    ("mnist", "train-images-idx3-ubyte"): (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    ("mnist", "train-labels-idx1-ubyte"): (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    ("mnist", "t10k-images-idx3-ubyte"): (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    ("mnist", "t10k-labels-idx1-ubyte"): (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}
# Pictures in the published files, and the first and last three labels of Fashion-MNIST's training
# part, as its authors' and TensorFlow's pages show them.
COUNTS = {"train": 60_000, "test": 10_000}
KNOWN_LABELS = {"fashion_mnist": (9, 0, 0, 3, 0, 5)}
PUBLISHED: dict[str, tuple[RemoteFile, ...]] = {
    "mnist": _files(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    "fashion_mnist": _files(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    "kmnist": _files(
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        (
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
}
MNIST = DatasetInfo(
    name="mnist",
    task="classes",
    load=functools.partial(load_idx, name="mnist", classes=DIGIT_NAMES),
    classes=DIGIT_NAMES,
    files=PUBLISHED["mnist"],
)
FASHION_MNIST = DatasetInfo(
    name="fashion_mnist",
    task="classes",
    load=functools.partial(load_idx, name="fashion_mnist", classes=CLOTHES_NAMES),
    classes=CLOTHES_NAMES,
    files=PUBLISHED["fashion_mnist"],
)
KMNIST = DatasetInfo(
    name="kmnist",
    task="classes",
    load=functools.partial(load_idx, name="kmnist", classes=KUZUSHIJI_NAMES),
    classes=KUZUSHIJI_NAMES,
    files=PUBLISHED["kmnist"],
)
