"""Files of results: sealed HDF5 and sealed JSON.

Every file carries a SHA-256 of its own content, the seal, which is checked whenever it is read: a
truncated, changed or foreign file is found before it is used.

HDF5 files hold their seal in front (`front`), JSON files in a key of their own. No time stamps: the
same results are the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.store.contents import UnfitError, Unread, attribute_names, datasets, values
from ewc_lambda.store.front import USER_BLOCK, check, opened, written_front
from ewc_lambda.store.replacing import flush, replacing

# Raised by one when a reader of the older files would misread the newer ones.
FORMAT = 1


def write_hdf5(
    path: str | Path,
    content: Mapping[str, Any],
    attributes: Mapping[str, Any],
    recipe: str = "",
    origin: Mapping[str, str] | None = None,
) -> None:
    """Write a sealed HDF5 file.

    Args:
        path: where to.
        content: dataset name (with / for groups) to array, or to (array, attributes of the
            dataset: axes, units, description). Lists of str become UTF-8 of one length.
        attributes: of the file; mappings are stored as JSON text with sorted keys.
        recipe: digest of what the file was made by.
        origin: digests of what it was made from, by name.

    """
    # In memory first: on a full disk HDF5 raises what is no OSError, or crashes the program.
    image = io.BytesIO()
    with h5py.File(image, "w", userblock_size=USER_BLOCK) as file:
        _write_attributes(file, {"format": FORMAT, **attributes})
        for name in sorted(content):
            value = content[name]
            values, notes = value if isinstance(value, tuple) else (value, {})
            _write_dataset(file, name, values, notes)
    data = image.getbuffer()[USER_BLOCK:]
    with replacing(path) as temporary:
        with temporary.open("wb") as target:
            target.write(written_front(recipe, origin or {}, data))
            target.write(data)
        flush(temporary)


def read_hdf5(
    path: str | Path, wanted: Callable[[str], bool] = lambda _: True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a sealed HDF5 file and read it: datasets by name, attributes by name, and its seal as
    the attribute ``sha256``. They are arrays, and `Unread` where their names are not ``wanted``.

    Raises:
        BrokenFileError: the file is missing, truncated, changed, or not one of ours.
        StudyError: it cannot be read, or was written by an incompatible version.

    """
    with _checked(path) as (file, seal, size):
        attributes = _attributes(file, path)
        content = {
            name: values(data, size) if wanted(name) else Unread(data)
            for name, data in datasets(file, size).items()
        }
    return content, {**attributes, "sha256": seal}


def read_attributes(path: str | Path) -> dict[str, Any]:
    """The attributes of a sealed HDF5 file alone, checked as in `read_hdf5`."""
    with _checked(path) as (file, seal, _):
        return {**_attributes(file, path), "sha256": seal}


def peek(path: str | Path, name: str) -> Any:
    """One attribute of a record, HDF5 or JSON, whose seal is not looked at; None where it cannot be
    read.
    """
    try:
        if Path(path).suffix == ".json":
            return json.loads(Path(path).read_text()).get(name)
        with Path(path).open("rb") as source, h5py.File(source, "r") as file:
            return _read_attribute(file.attrs[name])
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a sealed JSON file: sorted keys, and ``sha256`` over all others; what is not finite
    becomes null.
    """
    content = _finite(content)
    sealed = {**content, "sha256": json_seal(content)}
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
    if not isinstance(content, dict) or content.pop("sha256", None) != json_seal(content):
        raise BrokenFileError(path, "the content does not match its own SHA-256")
    return content


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _checked(path: str | Path) -> Iterator[tuple[h5py.File, str, int]]:
    """An open file, its seal and its size in bytes."""
    # HDF5 is given an open file, not a name: it then asks for no lock, which file systems of
    # clusters refuse or do not have, and reads the very file that was checked.
    with opened(path) as source:
        seal = check(Path(path), source).seal
        try:
            # Each chunk is read once, so none is kept.
            with h5py.File(source, "r", rdcc_nbytes=0) as file:
                yield file, seal, os.fstat(source.fileno()).st_size
        except UnfitError as error:
            raise BrokenFileError(path, f"refused: {error}") from None
        except (RuntimeError, KeyError, TypeError, ValueError, OSError) as error:
            # Sealed, but made by something else than `write_hdf5`.
            raise BrokenFileError(path, f"not what HDF5 can read ({error})") from None


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
    # Losses over training compress to two thirds; small tables are not worth a chunk. Pictures take
    # 5 to 8% more than at level 9, and a twenty-fifth of its time or less.
    options = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
    data = file.create_dataset(name, data=array, **options if array.nbytes > 8000 else {})
    _write_attributes(data, notes)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_seal(content: Mapping[str, Any]) -> str:
    """The seal of a JSON file, from the content that `read_json` gave."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
