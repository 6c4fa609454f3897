"""What stands in front of a sealed HDF5 file: its seal, the recipe that it was made by, and digests
of what it was made from.

All of it is in the user block, the 512 bytes that the format leaves to the application in front of
the data; so files open in any HDF5 program as they are.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ewc_lambda.errors import BrokenFileError, StudyError

logger = logging.getLogger("ewc_lambda")

USER_BLOCK = 512
_MAGIC = b"ewc-lambda sha256 "
# HDF5 marks a file that is open for writing in the consistency flags of its superblock, here of
# version 0 (HDF5 file format specification, II.A), and leaves the mark when it is killed.
_SUPERBLOCK = b"\0"
_FLAG = slice(20, 24)
_OPEN = b"\1\0\0\0"

SHORT = 16
"""Digits of a digest that stand in front of a file: 64 bits tell files apart that nobody forged."""


class Front(NamedTuple):
    """What a file says in front: its ``seal``, the ``recipe`` that it was made by, and the first
    `SHORT` digits of the digests of what it was made from, by name.
    """

    seal: str
    recipe: str
    origin: dict[str, str]


def written_front(recipe: str, origin: Mapping[str, str], data: memoryview) -> bytes:
    """The user block for a file's data, the superblock first."""
    named = " ".join(f"{name}={digest[:SHORT]}" for name, digest in sorted(origin.items()))
    front = f"recipe {recipe}\norigin {named}\n".encode()
    seal = hashlib.sha256(front + data).hexdigest().encode()
    block = _MAGIC + seal + b"\n" + front
    if len(block) > USER_BLOCK:
        raise ValueError("more names of origin than the user block holds")
    return block.ljust(USER_BLOCK, b"\0")


def read_front(path: str | Path) -> Front:
    """Compare a sealed HDF5 file with the SHA-256 in its user block, and return what that holds.

    Raises:
        BrokenFileError: the file is missing, truncated, changed, or not one of ours.
        StudyError: it cannot be read.

    """
    with opened(path) as source:
        return check(Path(path), source)


@contextmanager
def opened(path: str | Path) -> Iterator[BinaryIO]:
    """A file opened for reading. For errors see `read_front`."""
    try:
        with Path(path).open("rb") as source:
            yield source
    except FileNotFoundError:
        raise BrokenFileError(path, "the file is missing") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror or error})") from None


def check(path: Path, source: BinaryIO) -> Front:
    """Compare an open file with its seal, and return what stands in front."""
    block = source.read(USER_BLOCK)
    if len(block) < USER_BLOCK or not block.startswith(_MAGIC):
        raise BrokenFileError(path, "not a result file of this study, or cut short")
    seal, _, front = block[len(_MAGIC) :].rstrip(b"\0").partition(b"\n")
    recipe, origin = _read(front)
    # Files of before there was an origin have the bare recipe in their seal.
    sealed = front if origin is not None else recipe.encode()
    found = Front(seal.decode("ascii", "replace"), recipe, origin or {})
    start = source.read(_FLAG.stop)
    if found.seal == _digest(sealed + start, source):
        return found
    what = "the content does not match its own SHA-256"
    if start[8:9] == _SUPERBLOCK and start[_FLAG] == _OPEN:
        source.seek(USER_BLOCK + _FLAG.stop)
        closed = start[: _FLAG.start] + bytes(len(_OPEN))
        if found.seal == _digest(sealed + closed, source):
            _warn_open(path)
            return found
        what += ", and a program that opened it for writing did not close it"
    raise BrokenFileError(path, what)


def _read(front: bytes) -> tuple[str, dict[str, str] | None]:
    lines = dict(line.partition(" ")[::2] for line in front.decode("ascii", "replace").splitlines())
    recipe, named = lines.get("recipe", ""), lines.get("origin")
    if named is None:
        return recipe, None
    return recipe, dict(pair.partition("=")[::2] for pair in named.split())


def _digest(start: bytes, source: BinaryIO) -> str:
    """SHA-256 of the start and the rest of an open file."""
    content = hashlib.sha256(start)
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
