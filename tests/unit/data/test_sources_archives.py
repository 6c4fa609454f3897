"""CIFAR-10 and STL-10: archives of the published record layout, written here byte by byte."""

import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from ewc_lambda.data.sources import DATASETS, cifar10, stl10
from ewc_lambda.data.sources.cifar10 import decode_batch
from ewc_lambda.data.sources.stl10 import decode_pictures
from ewc_lambda.errors import StudyError

BATCHES = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]


def pixel(row, column, channel):
    return (7 * row + 3 * column + 50 * channel) % 256


def picture(side):
    """A picture (3, side, side) whose value tells row, column and channel apart."""
    channel, row, column = np.ogrid[:3, :side, :side]
    return pixel(row, column, channel).astype(np.uint8)


def cifar_members(records=2):
    record = picture(32).tobytes()
    return {
        name: b"".join(bytes([(place + index) % 10]) + record for index in range(records))
        for place, name in enumerate(BATCHES)
    }


def stl_members(train=3, test=2):
    # Column-major order: the transposed picture, row by row.
    record = picture(96).transpose(0, 2, 1).tobytes()
    return {
        "train_X.bin": record * train,
        "train_y.bin": bytes(range(1, train + 1)),
        "test_X.bin": record * test,
        "test_y.bin": bytes([10] * test),
    }


def write_archive(module, folder, members, monkeypatch, prefix=""):
    path = folder / module.ARCHIVE.name
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(_directory(f"{prefix}{module.FOLDER}"))
        for name, data in members.items():
            entry = tarfile.TarInfo(f"{prefix}{module.FOLDER}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    publish(module, path, monkeypatch)
    return path


def publish(module, path, monkeypatch):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(module, "ARCHIVE", replace(module.ARCHIVE, sha256=digest, urls=()))


def _directory(name):
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE
    return entry


def load(name, folder):
    return DATASETS[name].load({"data_folder": str(folder)})


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(cifar10, "RECORDS", 2)
    monkeypatch.setattr(stl10, "COUNTS", {"train": 3, "test": 2})


def test_cifar_record_is_label_then_colours_in_row_major_order():
    data = bytes([3]) + bytes(1024) + bytes([1] * 1024) + bytes(range(256)) * 4
    x, y = decode_batch(data, 1, "file")
    assert y.tolist() == [3]
    assert x.shape == (1, 3, 32, 32)
    assert (x[0, 0] == 0).all()
    assert (x[0, 1] == 1).all()
    assert x[0, 2, 1, :3].tolist() == [32, 33, 34]


@pytest.mark.parametrize("prefix", ["", "./"])
def test_cifar_archive(tmp_path, monkeypatch, prefix):
    path = write_archive(cifar10, tmp_path, cifar_members(), monkeypatch, prefix)
    data = load("cifar10", tmp_path)
    assert data.y_train.tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert data.y_test.tolist() == [5, 6]
    assert data.x_train.dtype == np.uint8
    assert (data.x_train == picture(32)).all()
    assert data.classes[6] == "frog"
    assert data.sources == {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.mark.parametrize(
    ("name", "module", "members"),
    [("cifar10", cifar10, cifar_members()), ("stl10", stl10, stl_members())],
)
def test_unpacked_folder_gives_the_same(tmp_path, monkeypatch, name, module, members):
    packed = tmp_path / "packed"
    packed.mkdir()
    write_archive(module, packed, members, monkeypatch)
    folder = tmp_path / "unpacked" / name / module.FOLDER
    folder.mkdir(parents=True)
    for member, content in members.items():
        (folder / member).write_bytes(content)
    one, other = load(name, packed), load(name, tmp_path / "unpacked")
    assert np.array_equal(one.x_train, other.x_train)
    assert np.array_equal(one.y_test, other.y_test)
    assert sorted(other.sources) == sorted(f"{module.FOLDER}/{member}" for member in members)


@pytest.mark.parametrize("size", [0, 3072, 3073, 2 * 3073 - 1, 2 * 3073 + 1])
def test_cifar_batch_of_another_size(tmp_path, monkeypatch, size):
    members = {**cifar_members(), "data_batch_3.bin": bytes(size)}
    write_archive(cifar10, tmp_path, members, monkeypatch)
    with pytest.raises(StudyError, match=rf"data_batch_3\.bin: has {size} bytes"):
        load("cifar10", tmp_path)


def test_cifar_label_out_of_range(tmp_path, monkeypatch):
    members = {**cifar_members(), "test_batch.bin": (bytes([10]) + bytes(3072)) * 2}
    write_archive(cifar10, tmp_path, members, monkeypatch)
    with pytest.raises(StudyError, match=r"test_batch\.bin: label 10 .* 0 to 9"):
        load("cifar10", tmp_path)


def test_archive_without_a_member(tmp_path, monkeypatch):
    members = cifar_members()
    del members["test_batch.bin"]
    write_archive(cifar10, tmp_path, members, monkeypatch)
    with pytest.raises(StudyError, match=r"cifar-10-binary\.tar\.gz: has no .*test_batch\.bin"):
        load("cifar10", tmp_path)


def test_damaged_archive(tmp_path, monkeypatch):
    path = write_archive(cifar10, tmp_path, cifar_members(), monkeypatch)
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    with pytest.raises(StudyError, match=r"tar\.gz: is not the published file"):
        load("cifar10", tmp_path)
    for damaged in (whole[:-200], whole[: len(whole) // 2], b"nothing of the kind"):
        path.write_bytes(damaged)
        publish(cifar10, path, monkeypatch)
        with pytest.raises(StudyError, match=r"cifar-10-binary\.tar\.gz"):
            load("cifar10", tmp_path)


def test_unpacked_folder_without_a_file(tmp_path):
    (tmp_path / stl10.FOLDER).mkdir()
    with pytest.raises(StudyError, match=r"train_X\.bin: cannot be read"):
        load("stl10", tmp_path)


def test_stl_pictures_are_column_major(tmp_path, monkeypatch):
    write_archive(stl10, tmp_path, stl_members(), monkeypatch)
    data = load("stl10", tmp_path)
    assert data.x_train.shape == (3, 3, 96, 96)
    assert data.x_test.shape == (2, 3, 96, 96)
    assert data.x_train[1, 2, 5, 60] == pixel(5, 60, 2)
    assert (data.x_test == picture(96)).all()
    assert data.y_train.tolist() == [0, 1, 2]
    assert data.y_test.tolist() == [9, 9]


def test_stl_cut_within_a_picture():
    with pytest.raises(StudyError, match=r"train_X\.bin: has 27647 bytes"):
        decode_pictures(bytes(27647), "train_X.bin")


@pytest.mark.parametrize("label", [0, 11])
def test_stl_label_out_of_range(tmp_path, monkeypatch, label):
    members = {**stl_members(), "test_y.bin": bytes([1, label])}
    write_archive(stl10, tmp_path, members, monkeypatch)
    with pytest.raises(StudyError, match=rf"test_y\.bin: label {label} .* 1 to 10"):
        load("stl10", tmp_path)


def test_another_number_of_stl_pictures(tmp_path, monkeypatch):
    write_archive(stl10, tmp_path, stl_members(test=1), monkeypatch)
    with pytest.raises(StudyError, match=r"test_X\.bin: 1 pictures, where the published .* 2:"):
        load("stl10", tmp_path)


def test_stl_lengths_differ(tmp_path, monkeypatch):
    members = {**stl_members(), "train_y.bin": bytes([1, 2])}
    write_archive(stl10, tmp_path, members, monkeypatch)
    with pytest.raises(StudyError, match=r"train_X\.bin and train_y\.bin: 3 samples but 2"):
        load("stl10", tmp_path)
