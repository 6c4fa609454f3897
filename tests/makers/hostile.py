"""Result files with a fitting seal, made to harm who reads them."""

import io

import h5py
import numpy as np

from ewc_lambda.store.front import written_front
from ewc_lambda.store.records import FORMAT


def seal(path, fill, attributes=None):
    """A sealed file of whatever ``fill`` puts into an open HDF5 file; it may return what then
    changes the file's bytes.
    """
    image = io.BytesIO()
    with h5py.File(image, "w", userblock_size=512) as file:
        file.attrs["format"] = FORMAT
        for name, value in (attributes or {}).items():
            file.attrs[name] = value
        patch = fill(file)
    if patch is not None:
        patch(image.getbuffer())
    data = image.getbuffer()[512:]
    path.write_bytes(written_front("", {}, data) + data)
    return path


def external_link(file):
    file["steps/loss"] = h5py.ExternalLink("/etc/hostname.h5", "/loss")


def soft_link(file):
    file["steps/loss"] = h5py.SoftLink("/nowhere")


def external_storage(file):
    file.create_dataset("steps/loss", (100,), "u1", external=[("/etc/passwd", 0, 100)])


def virtual_dataset(file):
    layout = h5py.VirtualLayout((100,), "f8")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "loss", (100,))
    file.create_virtual_dataset("steps/loss", layout)


def huge_empty(file):
    file.create_dataset("steps/loss", (2**20, 2**20), "f8")


def huge_empty_chunks(file):
    file.create_dataset("steps/loss", (2**30, 2**20), "f4", chunks=(64, 64), compression="gzip")


def huge_chunk(file):
    file.create_dataset("steps/loss", (1,), "f8", chunks=(2**28,), maxshape=(None,))


def huge_value(file):
    file.create_dataset("steps/loss", (2,), np.dtype(("V", 2**31 - 1)))


def many_large(file):
    for number in range(40):
        file.create_dataset(f"steps/loss{number}", (2**22,), "f8")


def endless_texts(file):
    """Many texts that lie in one place of the heap."""
    file["steps/loss"] = np.array(["x" * 2**20] + [""] * 999, dtype=h5py.string_dtype())
    place = file["steps/loss"].id.get_offset()

    def patch(image):
        image[place + 16 : place + 16_000] = bytes(image[place : place + 16]) * 999

    return patch


def references(file):
    file.create_dataset("steps/loss", (3,), h5py.ref_dtype)


def no_values(file):
    file["steps/loss"] = h5py.Empty("f8")


HOSTILE = {
    external_link: "steps/loss is a link to somewhere else",
    soft_link: "steps/loss is a link to somewhere else",
    external_storage: "steps/loss lie in other files",
    virtual_dataset: "steps/loss lie in other files",
    huge_empty: "steps/loss would take 8796093022208 bytes of memory",
    huge_empty_chunks: "steps/loss would take 4503599627370496 bytes of memory",
    huge_chunk: "steps/loss would take 2147483648 bytes of memory",
    huge_value: "steps/loss would take 4294967294 bytes of memory",
    many_large: "its data would take 1342177280 bytes of memory",
    endless_texts: "the texts of its steps/loss are longer than the file",
    references: "steps/loss holds no numbers and no texts",
    no_values: "steps/loss holds no numbers and no texts",
}
