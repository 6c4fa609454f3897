"""EMNIST, KMNIST and CIFAR-100: files of the published formats, written here byte by byte."""

import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from ewc_lambda.data.sources import DATASETS, cifar100, emnist, mnist
from ewc_lambda.errors import StudyError


def idx(values):
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(np.uint8).tobytes()


def load(name, folder):
    return DATASETS[name].load({"data_folder": str(folder)})


# ------------------------------------------------------------------ EMNIST


def picture(number):
    """A picture (28, 28) whose values tell rows from columns."""
    rows, columns = np.mgrid[:28, :28]
    return (rows * 9 + columns + number) % 256


def emnist_files(part="letters", train=52, test=26, classes=26, first=1):
    files = {}
    for split, count in (("train", train), ("test", test)):
        # The published pictures are transposed.
        x = np.stack([picture(number).T for number in range(count)])
        y = np.arange(count) % classes + first
        files[f"emnist-{part}-{split}-images-idx3-ubyte"] = idx(x)
        files[f"emnist-{part}-{split}-labels-idx1-ubyte"] = idx(y)
    return files


def packed(data):
    return gzip.compress(data, mtime=0)


@pytest.fixture(params=["unpacked", "packed", "archive"])
def letters(request, tmp_path, monkeypatch):
    folder = tmp_path / "emnist"
    folder.mkdir()
    for name, data in emnist_files().items():
        if request.param == "archive":
            with zipfile.ZipFile(folder / "gzip.zip", "a") as archive:
                archive.writestr(f"gzip/{name}.gz", packed(data))
        elif request.param == "packed":
            (folder / f"{name}.gz").write_bytes(packed(data))
        else:
            (folder / name).write_bytes(data)
    if request.param == "archive":
        digest = hashlib.sha256((folder / "gzip.zip").read_bytes()).hexdigest()
        monkeypatch.setattr(emnist, "ARCHIVE", replace(emnist.ARCHIVE, sha256=digest, urls=()))
    return tmp_path


def test_letters_stand_upright_and_count_from_0(letters):
    data = load("emnist_letters", letters)
    assert data.x_train.shape == (52, 1, 28, 28)
    assert np.array_equal(data.x_train[3, 0], picture(3))
    assert data.y_train[:27].tolist() == [*range(26), 0]
    assert data.classes[0] == "a"
    assert data.classes[-1] == "z"
    assert data.scale == 1 / 255
    assert set(data.sources) <= {"gzip.zip"} or len(data.sources) == 4


def test_classes_of_the_other_parts(tmp_path):
    for part, classes in (("balanced", 47), ("byclass", 62), ("digits", 10)):
        for name, data in emnist_files(part, 70, 70, classes, first=0).items():
            (tmp_path / name).write_bytes(data)
        data = load(f"emnist_{part}", tmp_path)
        assert len(data.classes) == len(set(data.classes)) == classes
        assert data.y_train[:10].tolist() == list(range(10))
    # As the published mapping of balanced has them: 10 is A, 36 is a, 46 is t.
    names = DATASETS["emnist_balanced"].classes
    assert (names[10], names[36], names[40], names[46]) == ("A", "a", "f", "t")


def test_labels_of_letters_that_begin_at_0_are_refused(tmp_path):
    for name, data in emnist_files(first=0).items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(StudyError, match=r"emnist_letters: .* label 0 is out of range"):
        load("emnist_letters", tmp_path)


def test_an_archive_that_is_another_one_is_refused(tmp_path):
    (tmp_path / "gzip.zip").write_bytes(b"PK something else")
    with pytest.raises(StudyError, match=r"gzip\.zip: is not the published file"):
        load("emnist_letters", tmp_path)


def test_an_archive_without_a_part_is_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
        archive.writestr("gzip/other.gz", b"")
    digest = hashlib.sha256((tmp_path / "gzip.zip").read_bytes()).hexdigest()
    monkeypatch.setattr(emnist, "ARCHIVE", replace(emnist.ARCHIVE, sha256=digest, urls=()))
    with pytest.raises(StudyError, match=r"has no gzip/emnist-letters-train-images"):
        load("emnist_letters", tmp_path)


# ------------------------------------------------------------------ KMNIST


def test_kmnist_is_read_as_mnist_from_a_folder_of_its_own(tmp_path, monkeypatch):
    folder, digests = tmp_path / "kmnist", {}
    folder.mkdir()
    for part, count in (("train", 20), ("t10k", 10)):
        for kind, values in (
            ("images-idx3", np.full((count, 28, 28), 7)),
            ("labels-idx1", np.arange(count) % 10),
        ):
            name = f"{part}-{kind}-ubyte.gz"
            (folder / name).write_bytes(packed(idx(values)))
            digests[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    known = tuple(replace(f, sha256=digests[f.name], urls=()) for f in mnist.PUBLISHED["kmnist"])
    monkeypatch.setitem(mnist.PUBLISHED, "kmnist", known)
    monkeypatch.setattr(mnist, "COUNTS", {"train": 20, "test": 10})
    data = load("kmnist", tmp_path)
    assert data.classes[:3] == ("o", "ki", "su")
    assert data.y_test.tolist() == list(range(10))


# ------------------------------------------------------------------ CIFAR-100


def record(coarse, fine, value):
    return bytes([coarse, fine]) + bytes([value]) * 1024 + bytes([1]) * 1024 + bytes([2]) * 1024


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    members = {
        "train.bin": record(19, 99, 5) + record(0, 3, 6) + record(4, 0, 7),
        "test.bin": record(1, 1, 8),
    }
    path = tmp_path / cifar100.ARCHIVE.name
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(f"cifar-100-binary/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(cifar100, "ARCHIVE", replace(cifar100.ARCHIVE, sha256=digest, urls=()))
    monkeypatch.setattr(cifar100, "RECORDS", {"train.bin": 3, "test.bin": 1})
    return tmp_path


def test_cifar100_has_a_fine_and_a_coarse_label(cifar):
    fine, coarse = load("cifar100", cifar), load("cifar100_coarse", cifar)
    assert fine.y_train.tolist() == [99, 3, 0]
    assert coarse.y_train.tolist() == [19, 0, 4]
    assert (fine.classes[99], fine.classes[3], coarse.classes[19]) == ("worm", "bear", "vehicles_2")
    assert (len(set(fine.classes)), len(set(coarse.classes))) == (100, 20)
    assert fine.x_train[:, :, 0, 0].tolist() == [[5, 1, 2], [6, 1, 2], [7, 1, 2]]
    assert np.array_equal(fine.x_train, coarse.x_train)


def test_a_cifar100_file_that_is_cut_short_is_refused(cifar, monkeypatch):
    monkeypatch.setattr(cifar100, "RECORDS", {"train.bin": 4, "test.bin": 1})
    with pytest.raises(StudyError, match=r"cifar100: .*train\.bin: has 9222 bytes, but 4 records"):
        load("cifar100", cifar)


@pytest.mark.parametrize("swapped", [record(3, 100, 1), record(3, 255, 1)])
def test_a_label_of_no_class_is_refused(cifar, swapped):
    folder = cifar / "cifar-100-binary"
    folder.mkdir()
    (cifar / cifar100.ARCHIVE.name).unlink()
    (folder / "train.bin").write_bytes(swapped * 3)
    (folder / "test.bin").write_bytes(swapped)
    with pytest.raises(StudyError, match=r"label \d+ is out of range"):
        load("cifar100", cifar)
