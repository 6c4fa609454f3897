"""MNIST and Fashion-MNIST: IDX files written here byte by byte, and the real MNIST if present."""

import gzip
import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ewc_lambda.data.sources import DATASETS, mnist
from ewc_lambda.data.sources.mnist import decode_idx
from ewc_lambda.errors import StudyError

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_mnist = pytest.mark.skipif(
    not (SHARED / "mnist").is_dir(), reason="the data folder ../shared/data/mnist is absent"
)


def idx_bytes(values, kind=0x08):
    header = bytes([0, 0, kind, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(np.uint8).tobytes()


def parts(train=20, test=10):
    generator = np.random.default_rng(5)
    return {
        "train-images-idx3-ubyte": generator.integers(0, 256, (train, 28, 28)),
        "train-labels-idx1-ubyte": np.arange(train) % 10,
        "t10k-images-idx3-ubyte": generator.integers(0, 256, (test, 28, 28)),
        "t10k-labels-idx1-ubyte": np.arange(test) % 10,
    }


def write(folder, files, monkeypatch, name="fashion_mnist", packed=True):
    """Write the files and publish their checksums as those of the data set."""
    folder.mkdir(parents=True, exist_ok=True)
    digests = {}
    for file, data in files.items():
        stored = gzip.compress(data, mtime=0) if packed else data
        path = folder / (f"{file}.gz" if packed else file)
        path.write_bytes(stored)
        digests[f"{file}.gz"] = hashlib.sha256(stored).hexdigest()
    published = tuple(
        replace(file, sha256=digests.get(file.name, file.sha256), urls=())
        for file in mnist.PUBLISHED[name]
    )
    monkeypatch.setitem(mnist.PUBLISHED, name, published)
    monkeypatch.setattr(mnist, "COUNTS", {"train": 20, "test": 10})
    labels = parts()["train-labels-idx1-ubyte"]
    monkeypatch.setitem(mnist.KNOWN_LABELS, name, (*labels[:3], *labels[-3:]))


def encoded(**changes):
    return {name: idx_bytes(values) for name, values in {**parts(), **changes}.items()}


def load(folder, name="fashion_mnist"):
    return DATASETS[name].load({"data_folder": str(folder)})


def test_dimensions_are_big_endian_and_values_in_row_major_order():
    data = (
        b"\x00\x00\x08\x03" + b"\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x03" + bytes(range(6))
    )
    assert decode_idx(data, "file").tolist() == [[[0, 1, 2]], [[3, 4, 5]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an IDX file"),
        (b"\x00\x00\x0d\x01" + b"\x00\x00\x00\x01" + bytes(4), "not an IDX file"),
        (b"\x01\x00\x08\x01" + b"\x00\x00\x00\x01" + bytes(1), "not an IDX file"),
        (b"\x00\x00\x08\x03\x00\x00", "cut short"),
        (b"\x00\x00\x08\x01" + b"\x00\x00\x00\x05" + bytes(4), "announces 5"),
        (b"\x00\x00\x08\x01" + b"\x00\x00\x00\x05" + bytes(6), "announces 5"),
    ],
    ids=["empty", "float type", "wrong magic", "within header", "too short", "too long"],
)
def test_damaged_idx_names_the_file(data, message):
    with pytest.raises(StudyError, match=f"some-file.*{message}"):
        decode_idx(data, "some-file")


@pytest.mark.parametrize("below", ["fashion_mnist", "."])
@pytest.mark.parametrize("packed", [True, False])
def test_reads_what_was_written(tmp_path, monkeypatch, below, packed):
    write(tmp_path / below, encoded(), monkeypatch, packed=packed)
    data = load(tmp_path)
    assert data.x_train.shape == (20, 1, 28, 28)
    assert data.x_train.dtype == np.uint8
    assert data.y_test.dtype == np.int64
    assert np.array_equal(data.x_test[:, 0], parts()["t10k-images-idx3-ubyte"])
    assert np.array_equal(data.y_train, parts()["train-labels-idx1-ubyte"])
    assert data.scale == 1 / 255
    assert len(data.sources) == 4
    for name, digest in data.sources.items():
        content = (tmp_path / below / name).read_bytes()
        assert digest == hashlib.sha256(content).hexdigest()


def test_folder_of_the_data_set_comes_before_the_data_folder(tmp_path, monkeypatch):
    write(tmp_path / "fashion_mnist", encoded(), monkeypatch)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"of another data set")
    assert len(load(tmp_path).x_train) == 20


def test_another_file_than_the_published_one(tmp_path, monkeypatch):
    write(tmp_path, encoded(), monkeypatch)
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(StudyError, match=r"t10k-images-idx3-ubyte\.gz: is not the published file"):
        load(tmp_path)
    assert path.exists(), "a file of the user's is never deleted"


def test_corrupt_gzip(tmp_path, monkeypatch):
    write(tmp_path, encoded(), monkeypatch)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    for damaged in (path.read_bytes()[:-12], b"no gzip at all"):
        path.write_bytes(damaged)
        published = tuple(
            replace(file, sha256=hashlib.sha256(damaged).hexdigest())
            if file.name == path.name
            else file
            for file in mnist.PUBLISHED["fashion_mnist"]
        )
        monkeypatch.setitem(mnist.PUBLISHED, "fashion_mnist", published)
        with pytest.raises(StudyError, match=r"train-labels-idx1-ubyte\.gz.*not a whole gzip"):
            load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train-labels-idx1-ubyte": np.arange(20)}, "train-labels.*label 10 is out of range"),
        ({"train-labels-idx1-ubyte": np.zeros(19)}, "train-labels.*20 samples but 19 labels"),
        ({"t10k-images-idx3-ubyte": np.zeros((10, 28, 27))}, r"t10k-images.*\(10, 28, 27\)"),
        ({"t10k-labels-idx1-ubyte": np.zeros((10, 1))}, r"t10k-labels.*\(10, 1\)"),
    ],
)
def test_contents_that_do_not_fit(tmp_path, monkeypatch, changes, message):
    write(tmp_path, encoded(**changes), monkeypatch)
    with pytest.raises(StudyError, match=message):
        load(tmp_path)


@pytest.mark.parametrize(
    ("part", "count"), [("train", 2000), ("t10k", 500)], ids=["training", "test"]
)
def test_files_of_another_number_of_pictures(tmp_path, monkeypatch, part, count):
    changes = {
        f"{part}-images-idx3-ubyte": np.zeros((count, 28, 28)),
        f"{part}-labels-idx1-ubyte": np.zeros(count),
    }
    write(tmp_path, encoded(**changes), monkeypatch, packed=False)
    with pytest.raises(StudyError, match=rf"{part}-labels.*: {count} pictures, where the pub"):
        load(tmp_path)


def test_files_of_another_data_set_with_as_many_pictures(tmp_path, monkeypatch):
    labels = parts()["train-labels-idx1-ubyte"][::-1]
    files = encoded(**{"train-labels-idx1-ubyte": labels})
    write(tmp_path, files, monkeypatch, packed=False)
    message = r"begins with \[9, 8, 7\] and ends with \[2, 1, 0\].* of another data set with"
    with pytest.raises(StudyError, match=message):
        load(tmp_path)


@needs_mnist
def test_real_mnist():
    data = load(SHARED, "mnist")
    assert data.x_train.shape == (60_000, 1, 28, 28)
    assert data.x_test.shape == (10_000, 1, 28, 28)
    # The number of zeros and ones of the training part, and the first labels, as published.
    assert np.bincount(data.y_train)[:2].tolist() == [5923, 6742]
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]


@needs_mnist
def test_real_mnist_unpacked_labels_are_checked_too(tmp_path):
    for path in (SHARED / "mnist").glob("*-images-*"):
        (tmp_path / path.name).symlink_to(path)
    for path in (SHARED / "mnist").glob("*-labels-*"):
        (tmp_path / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    assert "train-labels-idx1-ubyte" in load(tmp_path, "mnist").sources
    labels = tmp_path / "t10k-labels-idx1-ubyte"
    changed = bytearray(labels.read_bytes())
    changed[-1] ^= 1
    labels.write_bytes(changed)
    with pytest.raises(StudyError, match="t10k-labels-idx1-ubyte: is not the published file"):
        load(tmp_path, "mnist")


def test_unpacked_files_of_mnist_are_not_taken_for_those_of_fashion_mnist(tmp_path, monkeypatch):
    files = encoded()
    write(tmp_path, files, monkeypatch, packed=False)
    for name, data in files.items():
        digest = hashlib.sha256(data).hexdigest()
        monkeypatch.setitem(mnist.UNPACKED, ("mnist", name), digest)
    with pytest.raises(StudyError, match="train-images-idx3-ubyte: is the file of mnist, not of"):
        load(tmp_path)
