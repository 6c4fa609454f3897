"""Files of results: sealed HDF5 and sealed JSON.

Every file carries a SHA-256 of its own content, the seal, which is checked whenever it is read: a
truncated, changed or foreign file is found before it is used.

HDF5 files hold their seal in the user block, the 512 bytes that the format leaves to the
application in front of the data; so they open in any HDF5 program as they are. No time stamps:
the same results are the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import logging
import math
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from ewc_lambda.errors import StudyError
from ewc_lambda.store.contents import UnfitError, attribute_names, datasets, values
from ewc_lambda.store.replacing import flush, replacing

logger = logging.getLogger("ewc_lambda")

# Raised by one when a reader of the older files would misread the newer ones.
FORMAT = 1

_USER_BLOCK = 512
# HDF5 marks a file that is open for writing in the consistency flags of its superblock, here of
# version 0 (HDF5 file format specification, II.A), and leaves the mark when it is killed.
_SUPERBLOCK = b"\0"
_FLAG = slice(20, 24)
_OPEN = b"\1\0\0\0"
_MAGIC = b"ewc-lambda sha256 "


class BrokenFileError(StudyError):
    """A file of results that is not what was written. ``path`` is the file."""

    def __init__(self, path: str | Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path = Path(path)


def write_hdf5(
    path: str | Path, content: Mapping[str, Any], attributes: Mapping[str, Any], recipe: str = ""
) -> None:
    """Write a sealed HDF5 file.

    Args:
        path: where to.
        content: dataset name (with / for groups) to array, or to (array, attributes of the
            dataset: axes, units, description). Lists of str become UTF-8 of one length.
        attributes: of the file; mappings are stored as JSON text with sorted keys.
        recipe: digest of what the file was made by, for `stored_recipe`.

    """
    # In memory first: on a full disk HDF5 raises what is no OSError, or crashes the program.
    image = io.BytesIO()
    with h5py.File(image, "w", userblock_size=_USER_BLOCK) as file:
        _write_attributes(file, {"format": FORMAT, **attributes})
        for name in sorted(content):
            value = content[name]
            values, notes = value if isinstance(value, tuple) else (value, {})
            _write_dataset(file, name, values, notes)
    data = image.getbuffer()[_USER_BLOCK:]
    with replacing(path) as temporary:
        with temporary.open("wb") as target:
            target.write(_seal(hashlib.sha256(recipe.encode() + data).hexdigest(), recipe))
            target.write(data)
        flush(temporary)


def read_hdf5(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Check a sealed HDF5 file and read all of it: datasets by name, attributes by name, and
    its seal as the attribute ``sha256``.

    Raises:
        BrokenFileError: the file is missing, truncated, changed, or not one of ours.
        StudyError: it cannot be read, or was written by an incompatible version.

    """
    with _checked(path) as (file, seal, size):
        attributes = _attributes(file, path)
        content = {name: values(data, size) for name, data in datasets(file, size).items()}
    return content, {**attributes, "sha256": seal}


def read_attributes(path: str | Path) -> dict[str, Any]:
    """The attributes of a sealed HDF5 file alone, checked as in `read_hdf5`."""
    with _checked(path) as (file, seal, _):
        return {**_attributes(file, path), "sha256": seal}


def check_seal(path: str | Path) -> str:
    """Compare a sealed HDF5 file with the SHA-256 in its user block, and return that.

    Raises:
        BrokenFileError: the file is missing, truncated, changed, or not one of ours.
        StudyError: it cannot be read.

    """
    with _opened(path) as source:
        return _check(Path(path), source)


def stored_recipe(path: str | Path) -> str | None:
    """The recipe that a sealed HDF5 file says it was made by, None if there is no such file. Reads
    512 bytes and checks nothing.
    """
    try:
        with Path(path).open("rb") as file:
            return _recipe(file.read(_USER_BLOCK))
    except OSError:
        return None


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a sealed JSON file: sorted keys, and ``sha256`` over all others; what is not finite
    becomes null.
    """
    content = _finite(content)
    sealed = {**content, "sha256": _json_digest(content)}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(sealed, indent=1, sort_keys=True) + "\n")
        flush(temporary)


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a sealed JSON file.

    Raises:
        BrokenFileError: the file is missing, no JSON, or changed.

    """
    path = Path(path)
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise BrokenFileError(path, "the file is missing") from None
    except ValueError:
        raise BrokenFileError(path, "not JSON, or cut short") from None
    if not isinstance(content, dict) or content.pop("sha256", None) != _json_digest(content):
        raise BrokenFileError(path, "the content does not match its own SHA-256")
    return content


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(path: str | Path) -> Iterator[BinaryIO]:
    try:
        with Path(path).open("rb") as source:
            yield source
    except FileNotFoundError:
        raise BrokenFileError(path, "the file is missing") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror or error})") from None


@contextmanager
def _checked(path: str | Path) -> Iterator[tuple[h5py.File, str, int]]:
    """An open file, its seal and its size in bytes."""
    # HDF5 is given an open file, not a name: it then asks for no lock, which file systems of
    # clusters refuse or do not have, and reads the very file that was checked.
    with _opened(path) as source:
        seal = _check(Path(path), source)
        try:
            with h5py.File(source, "r") as file:
                yield file, seal, os.fstat(source.fileno()).st_size
        except UnfitError as error:
            raise BrokenFileError(path, f"refused: {error}") from None
        except (RuntimeError, KeyError, TypeError, ValueError, OSError) as error:
            # Sealed, but made by something else than `write_hdf5`.
            raise BrokenFileError(path, f"not what HDF5 can read ({error})") from None


def _check(path: Path, source: BinaryIO) -> str:
    """Compare an open file with its seal, and return that."""
    block = source.read(_USER_BLOCK)
    if len(block) < _USER_BLOCK or not block.startswith(_MAGIC):
        raise BrokenFileError(path, "not a result file of this study, or cut short")
    recipe = _recipe(block)
    start = source.read(_FLAG.stop)
    if block == _seal(digest := _digest(recipe, start, source), recipe):
        return digest
    what = "the content does not match its own SHA-256"
    if start[8:9] == _SUPERBLOCK and start[_FLAG] == _OPEN:
        source.seek(_USER_BLOCK + _FLAG.stop)
        closed = start[: _FLAG.start] + bytes(len(_OPEN))
        if block == _seal(digest := _digest(recipe, closed, source), recipe):
            _warn_open(path)
            return digest
        what += ", and a program that opened it for writing did not close it"
    raise BrokenFileError(path, what)


def _digest(recipe: str, start: bytes, source: BinaryIO) -> str:
    """SHA-256 of a recipe, the start of the data, and the rest of an open file."""
    content = hashlib.sha256(recipe.encode() + start)
    while chunk := source.read(1 << 20):
        content.update(chunk)
    return content.hexdigest()


@functools.cache
def _warn_open(path: Path) -> None:
    command = f"import h5py; h5py.File({str(path)!r}, 'r+').close()"
    logger.warning(
        f"{path}: a program opened this file for writing and has not closed it, or was killed. Its "
        f"data are whole, and they are used. To take the mark away, end that program and run: "
        f"python -c {shlex.quote(command)}"
    )


def _write_attributes(target: h5py.File | h5py.Dataset, attributes: Mapping[str, Any]) -> None:
    for name in sorted(attributes):
        value = attributes[name]
        if isinstance(value, Mapping):
            value = json.dumps(value, sort_keys=True)
        target.attrs[name] = value


def _attributes(file: h5py.File, path: str | Path) -> dict[str, Any]:
    attributes = {name: _read_attribute(file.attrs[name]) for name in attribute_names(file)}
    if attributes.get("format") != FORMAT:
        raise StudyError(
            f"{path}: written in format {attributes.get('format')}, this version reads format "
            f"{FORMAT}. Use the version of ewc-lambda that wrote it, or run the study again."
        )
    return attributes


def _read_attribute(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return value.item() if isinstance(value, np.generic) else value


def _write_dataset(file: h5py.File, name: str, values: Any, notes: Mapping[str, Any]) -> None:
    array = np.asarray(values)
    if isinstance(values, list) and all(isinstance(value, str) for value in values):
        # Of one length: strings of any length lie in a heap, which nothing compresses.
        encoded = [value.encode() for value in values]
        width = max(map(len, encoded), default=0)
        array = np.array(encoded, dtype=h5py.string_dtype(length=max(width, 1)))
    # Losses over training compress to two thirds; small tables are not worth a chunk.
    options = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
    data = file.create_dataset(name, data=array, **options if array.nbytes > 8000 else {})
    _write_attributes(data, notes)


def _seal(digest: str, recipe: str) -> bytes:
    text = f"{digest}\nrecipe {recipe}\n".encode()
    return (_MAGIC + text).ljust(_USER_BLOCK, b"\0")


def _recipe(block: bytes) -> str:
    return block.partition(b"\nrecipe ")[2].partition(b"\n")[0].decode("ascii", "replace")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json_digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
