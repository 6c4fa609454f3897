"""EMNIST: handwritten letters and digits, 28 x 28 grey values in IDX files.

The data set (Cohen, Afshar, Tapson, van Schaik, https://arxiv.org/abs/1702.05373) has several
parts, each with files of its own, as gzip.zip of NIST holds them. Its pictures lie in column-major
order: compared with MNIST's they are transposed. The labels of the part letters begin at 1.
"""

from __future__ import annotations

import functools
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ewc_lambda.data.sources.base import (
    Config,
    Dataset,
    DatasetInfo,
    RemoteFile,
    check_labels,
    check_lengths,
)
from ewc_lambda.data.sources.download import fetch, file_digest, locate, read_checked
from ewc_lambda.data.sources.mnist import decode_idx, unpack
from ewc_lambda.errors import StudyError

_SIDE = 28
_DIGITS = tuple("0123456789")
_CAPITALS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
# Of merged classes small letters that look like their capitals are one with them.
_APART = tuple("abdefghnqrt")
PARTS: dict[str, tuple[str, ...]] = {
    "balanced": (*_DIGITS, *_CAPITALS, *_APART),
    "bymerge": (*_DIGITS, *_CAPITALS, *_APART),
    "byclass": (*_DIGITS, *_CAPITALS, *map(str.lower, _CAPITALS)),
    "letters": tuple(map(str.lower, _CAPITALS)),
    "digits": _DIGITS,
}
ARCHIVE = RemoteFile(
    "gzip.zip",
    "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
)


def load_part(config: Config, part: str) -> Dataset:
    """Read a part of EMNIST: x (N, 1, 28, 28) uint8, upright as MNIST's.

    The part's four files, packed (.gz) or not, are taken from the data folder, or from gzip.zip
    (536 MB), which is taken from there or downloaded. Raises StudyError for a missing, wrong or
    damaged file.
    """
    name, classes = f"emnist_{part}", PARTS[part]
    contents, sources = _read(config, part)
    splits = {}
    for split in ("train", "test"):
        images, labels = (contents[file] for file in _files(part, split))
        where = f"{name}: {' and '.join(_files(part, split))}"
        x, y = decode_idx(images, where), decode_idx(labels, where)
        if x.ndim != 3 or x.shape[1:] != (_SIDE, _SIDE) or y.ndim != 1:
            raise StudyError(
                f"{where}: shapes {x.shape} and {y.shape}, expected (N, {_SIDE}, {_SIDE}) and (N,)"
            )
        check_lengths(x, y, where)
        first = 1 if part == "letters" else 0
        upright = np.ascontiguousarray(x.transpose(0, 2, 1))[:, None]
        splits[split] = (upright, check_labels(y, len(classes), where, first=first))
    return Dataset(name, *splits["train"], *splits["test"], classes, 1 / 255, sources)


def _files(part: str, split: str) -> tuple[str, str]:
    return (
        f"emnist-{part}-{split}-images-idx3-ubyte",
        f"emnist-{part}-{split}-labels-idx1-ubyte",
    )


def _read(config: Config, part: str) -> tuple[dict[str, bytes], dict[str, str]]:
    """Unpacked contents by name, and the SHA-256 of what was read."""
    names = [file for split in ("train", "test") for file in _files(part, split)]
    found = {
        name: locate(config, "emnist", f"{name}.gz") or locate(config, "emnist", name)
        for name in names
    }
    contents, sources = {}, {}
    if all(found.values()):
        for name, path in found.items():
            assert path is not None
            data, sources[path.name] = read_checked(path, None)
            contents[name] = unpack(data, path) if path.suffix == ".gz" else data
        return contents, sources
    path = fetch(config, "emnist", (ARCHIVE,))[ARCHIVE.name]
    digest = file_digest(path, ARCHIVE.sha256)
    return {name: _member(path, f"{name}.gz") for name in names}, {ARCHIVE.name: digest}


def _member(path: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(f"gzip/{name}")
    except KeyError:
        raise StudyError(f"{path}: has no gzip/{name}, it is not the published archive") from None
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise StudyError(f"{path}: is not a whole .zip archive ({error})") from error
    return unpack(data, path)


EMNIST: tuple[DatasetInfo, ...] = tuple(
    DatasetInfo(
        name=f"emnist_{part}",
        task="classes",
        load=functools.partial(load_part, part=part),
        classes=classes,
        files=(ARCHIVE,),
    )
    for part, classes in PARTS.items()
)
