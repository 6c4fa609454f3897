"""What an HDF5 file may hold to be a file of results: its own data, of a size that fits it.

A seal proves that a file is as it was written, not who wrote it. Before anything of a file is read,
it is made sure that nothing in it leads to other files and that nothing fills the memory.
"""

from __future__ import annotations

import math
from typing import NoReturn

import h5py
import numpy as np

# What deflate makes of equal bytes at best; the rest is for small files.
_GROWTH = 1032
_SMALL = 64 * 2**20
_MOST_VALUES = 1000


class UnfitError(ValueError):
    """A file holds what no file of results does; the text says what."""


def attribute_names(file: h5py.File) -> list[str]:
    """Names of a file's attributes.

    Raises:
        UnfitError: one of them is long.

    """
    names = list(file.attrs)
    for name in names:
        shape = file.attrs.get_id(name).shape
        if shape is None or math.prod(shape) > _MOST_VALUES:
            raise UnfitError(f"its attribute {name} is no value or short list")
    return names


def datasets(file: h5py.File, stored: int) -> dict[str, h5py.Dataset]:
    """All data of an open file by name, none of them read yet.

    Args:
        file: open for reading.
        stored: its size in bytes.

    Raises:
        UnfitError: some lie in other files, or would take more memory than their bytes can fill.

    """
    elsewhere = file.visititems_links(
        lambda name, link: None if isinstance(link, h5py.HardLink) else name
    )
    if elsewhere is not None:
        raise UnfitError(f"its {elsewhere} is a link to somewhere else")
    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    file.visititems(visit)
    sizes = [_size(name, item.id, stored) for name, item in found.items()]
    if sum(sizes) > _SMALL + _GROWTH * stored:
        raise UnfitError(f"its data would take {sum(sizes)} bytes of memory, of {stored} in all")
    return found


class Unread:
    """Values that were left on disk: how many there are can be asked, and none of them can be had.

    Args:
        data: one of `datasets`.

    """

    def __init__(self, data: h5py.Dataset) -> None:
        self._name, self.shape, self.dtype = data.name[1:], data.shape, data.dtype

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self._name} was not read: there is no {name}")

    def __getitem__(self, place: object) -> NoReturn:
        raise LookupError(f"{self._name} was not read: there is no {place}")

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise LookupError(f"{self._name} was not read: it is no array")


def values(data: h5py.Dataset, stored: int) -> np.ndarray:
    """All values of one of `datasets`, text as str.

    Raises:
        UnfitError: its texts would take more memory than a file of this size can fill.

    """
    text = h5py.check_string_dtype(data.dtype)
    if text is None or text.length is not None:
        return data.asstr()[...] if text else data[...]
    # Texts of any length, as study files had at first. They lie in a heap, in which all may be one
    # and the same text: so they are counted while they are read.
    found, left = np.empty(data.shape, dtype=object), _SMALL + stored
    for place in np.ndindex(data.shape):
        found[place] = data.asstr()[place]
        left -= len(found[place])
        if left < 0:
            raise UnfitError(f"the texts of its {data.name[1:]} are longer than the file")
    return found


def _size(name: str, data: h5py.h5d.DatasetID, stored: int) -> int:
    """Bytes of memory that a dataset takes when it is read."""
    made = data.get_create_plist()
    layout = made.get_layout()
    if layout == h5py.h5d.VIRTUAL or made.get_external_count():
        raise UnfitError(f"the data of its {name} lie in other files")
    dtype, shape = data.dtype, data.shape
    if shape is None or (dtype.hasobject and h5py.check_string_dtype(dtype) is None):
        raise UnfitError(f"its {name} holds no numbers and no texts")
    # A chunk is unpacked whole, however little of it belongs to the data.
    chunks = made.get_chunk() if layout == h5py.h5d.CHUNKED else shape
    size: int = math.prod(map(max, shape, chunks)) * dtype.itemsize
    if size > _SMALL + _GROWTH * data.get_storage_size():
        raise UnfitError(f"its {name} would take {size} bytes of memory, of a file of {stored}")
    return size
