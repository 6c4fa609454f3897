"""Files of results: sealed HDF5, sealed JSON, and weights.

Every file is written under a temporary name in its own folder and renamed once it is whole, so
that a name that exists stands for a finished file, even with two writers. And every file carries
a SHA-256 of its own content, the seal, which is checked whenever it is read: a truncated, changed
or foreign file is found before it is used.

HDF5 files hold their seal in the user block, the 512 bytes that the format leaves to the
application in front of the data; so they open in any HDF5 program as they are. No time stamps:
the same results are the same bytes.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
import platform
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ewc_lambda.errors import StudyError

# Raised by one when a reader of the older files would misread the newer ones.
FORMAT = 1

_USER_BLOCK = 512
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
        _flush(temporary)


def read_hdf5(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Check a sealed HDF5 file and read all of it: datasets by name, attributes by name, and
    its seal as the attribute ``sha256``.

    Raises:
        BrokenFileError: the file is missing, truncated, changed, or not one of ours.
        StudyError: it was written by an incompatible version.

    """
    seal = check_seal(path)
    with _opened(path) as file:
        attributes = _attributes(file, path)
        content: dict[str, np.ndarray] = {}

        def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Dataset):
                text = h5py.check_string_dtype(item.dtype) is not None
                content[name] = item.asstr()[...] if text else item[...]

        file.visititems(visit)
    return content, {**attributes, "sha256": seal}


def read_attributes(path: str | Path) -> dict[str, Any]:
    """The attributes of a sealed HDF5 file alone, checked as in `read_hdf5`."""
    seal = check_seal(path)
    with _opened(path) as file:
        return {**_attributes(file, path), "sha256": seal}


def _opened(path: str | Path) -> h5py.File:
    # Not locked: a name stands for a whole file, and some file systems of clusters have no locks.
    return h5py.File(path, "r", locking=False)


def check_seal(path: str | Path) -> str:
    """Compare a sealed HDF5 file with the SHA-256 in its user block, and return that.

    Raises:
        BrokenFileError: the file is missing, truncated, changed, or not one of ours.

    """
    path = Path(path)
    if not path.exists():
        raise BrokenFileError(path, "the file is missing")
    with path.open("rb") as file:
        block = file.read(_USER_BLOCK)
        if len(block) < _USER_BLOCK or not block.startswith(_MAGIC):
            raise BrokenFileError(path, "not a result file of this study, or cut short")
        recipe = _recipe(block)
        content = hashlib.sha256(recipe.encode())
        while chunk := file.read(1 << 20):
            content.update(chunk)
    digest = content.hexdigest()
    if block != _seal(digest, recipe):
        raise BrokenFileError(path, "the content does not match its own SHA-256")
    return digest


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
        _flush(temporary)


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
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and is
    removed when it does not.

    Raises:
        StudyError: the disk is full or the folder cannot be written to.

    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        prefix = f".{path.name}.{platform.node()}-{os.getpid()}-"
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=".part", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise StudyError(f"{path}: cannot be written ({error.strerror})") from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; results are for everybody whom the umask allows.
        mask = os.umask(0)
        os.umask(mask)
        # A disk without owners and rights (SMB, FUSE) refuses, and its files are nobody's own.
        with suppress(OSError):
            temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        way = "make room" if full else "see to the disk"
        raise StudyError(
            f"{path}: cannot be written ({error}). Nothing half-written was left; {way} and run "
            f"the same command again."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def set_aside(folder: str | Path) -> list[Path]:
    """Files below a folder that `move_aside` took away and that were not made again."""
    names = (path.with_suffix("") for path in Path(folder).rglob("*.broken"))
    return sorted(path for path in names if not path.exists())


def move_aside(path: Path) -> Path:
    """Give a broken file another name, so that it is made anew and can still be looked at."""
    return path.replace(path.with_name(f"{path.name}.broken"))


def _remove_leftovers(path: Path) -> None:
    """Remove what writers of ``path`` left that were killed on this machine. One that still runs
    keeps its file.
    """
    owner = re.compile(rf"\.{re.escape(path.name)}\.{re.escape(platform.node())}-(\d+)-\w+\.part")
    for entry in path.parent.iterdir():
        match = owner.fullmatch(entry.name)
        if match and not _runs(int(match[1])):
            entry.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _write_attributes(target: h5py.File | h5py.Dataset, attributes: Mapping[str, Any]) -> None:
    for name in sorted(attributes):
        value = attributes[name]
        if isinstance(value, Mapping):
            value = json.dumps(value, sort_keys=True)
        target.attrs[name] = value


def _attributes(file: h5py.File, path: str | Path) -> dict[str, Any]:
    attributes = {name: _read_attribute(value) for name, value in file.attrs.items()}
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


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            # Some file systems have no such order (FUSE); a disk that fails has.
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
                raise


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json_digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
