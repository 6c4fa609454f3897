"""Files appear whole, leave the old one alone until then, and are set aside where broken."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.store import records
from ewc_lambda.store.records import read_json, write_hdf5, write_json
from ewc_lambda.store.replacing import move_aside, replacing

WRITERS = {
    "json": lambda path, values: write_json(path, {"n": values.tolist()}),
    "h5": lambda path, values: write_hdf5(path, {"n": values}, {}),
}


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")

    def write():
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            assert path.read_text() == "old"
            assert temporary.parent == path.parent
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["result.txt"]


def test_a_file_appears_under_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "result.txt"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert leftovers(path.parent) == []


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.ENOTSUP])
def test_a_disk_that_refuses_rights_is_no_reason_to_fail(tmp_path, monkeypatch, refusal):
    def refuse(*_, **__):
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(Path, "chmod", refuse)
    write_json(tmp_path / "result.json", {"n": 1})
    assert read_json(tmp_path / "result.json") == {"n": 1}
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("refusal", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
def test_a_disk_without_fsync_is_no_reason_to_fail(tmp_path, monkeypatch, refusal):
    def refuse(_):
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(os, "fsync", refuse)
    write_json(tmp_path / "result.json", {"n": 1})
    assert read_json(tmp_path / "result.json") == {"n": 1}


@pytest.mark.parametrize(
    ("number", "way"),
    [(errno.ENOSPC, "make room"), (errno.EDQUOT, "make room"), (errno.EIO, "see to")],
)
def test_only_a_full_disk_is_said_to_need_room(tmp_path, monkeypatch, number, way):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StudyError, match=rf"result.json: cannot be written .*; {way}"):
        write_json(tmp_path / "result.json", {"n": 1})


def test_two_writers_do_not_share_a_temporary_file(tmp_path):
    path = tmp_path / "result.txt"
    with replacing(path) as one, replacing(path) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"
    assert leftovers(tmp_path) == []


def test_what_a_killed_writer_left_is_removed_and_what_a_running_one_writes_is_kept(tmp_path):
    path = tmp_path / "result.txt"
    command = (
        "import os, sys; from ewc_lambda.store.replacing import replacing\n"
        "with replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(records.__file__).parents[2])}
    for name in (path, path.with_name("other.txt")):
        done = subprocess.run([sys.executable, "-c", command, name], env=environment)
        assert done.returncode == -9
    assert len(leftovers(tmp_path)) == 2
    assert not path.exists()
    with replacing(path) as running:
        running.write_text("running")
        with replacing(path) as second:
            second.write_text("second")
        assert running.exists()
    assert path.read_text() == "running"
    # That of another file is not ours to remove.
    (left,) = leftovers(tmp_path)
    assert left.startswith(".other.txt.")


def test_broken_files_are_moved_aside(tmp_path):
    path = tmp_path / "round_0" / "step_1.h5"
    path.parent.mkdir()
    path.write_text("broken")
    aside = move_aside(path)
    assert aside == path.with_name("step_1.h5.broken")
    assert aside.read_text() == "broken"
    assert not path.exists()


def test_results_have_the_permissions_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_json(tmp_path / "a.json", {})
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o640


@pytest.mark.parametrize("kind", ["h5", "json"])
def test_a_full_disk_is_one_message_and_leaves_the_old_file(tmp_path, monkeypatch, kind):
    path = tmp_path / f"result.{kind}"

    WRITERS[kind](path, np.zeros(3000))
    old = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StudyError, match="No space left on device") as caught:
        WRITERS[kind](path, np.ones(3000))
    assert not isinstance(caught.value, BrokenFileError)
    assert str(caught.value).startswith(f"{path}: cannot be written")
    assert path.read_bytes() == old
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("kind", ["h5", "json"])
def test_a_file_that_the_system_cuts_short_is_one_message(tmp_path, kind):
    resource = pytest.importorskip("resource")
    path = tmp_path / f"result.{kind}"
    content = np.random.default_rng(0).normal(size=20_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(StudyError, match="cannot be written"):
            WRITERS[kind](path, content)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StudyError, match="cannot be written"):
        write_json(tmp_path / "file" / "a.json", {})
