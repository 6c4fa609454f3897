"""A file left open for writing is told from a changed one, and no lock is needed to read."""

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ewc_lambda
from ewc_lambda.errors import BrokenFileError
from ewc_lambda.store import front
from ewc_lambda.store.front import read_front
from ewc_lambda.store.records import read_hdf5, write_hdf5

ROOT = Path(ewc_lambda.__file__).parents[3]
FLOCK = """
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
int flock(int file, int operation) { errno = atoi(getenv("FLOCK_ERRNO")); return -1; }
"""
# Ways to open a file, and what is done with it before the program is killed.
OPENED = {
    "r+": "file = h5py.File(name, 'r+')",
    "a": "file = h5py.File(name, 'a')",
    "latest": "file = h5py.File(name, 'r+', libver='latest')",
    "read": "file = h5py.File(name, 'r+'); file['losses'][...]",
    "flushed": "file = h5py.File(name, 'r+'); file.flush()",
}
CHANGED = {
    "value": "file = h5py.File(name, 'r+'); file['losses'][0] = 7; file.flush()",
    "group": "file = h5py.File(name, 'r+'); file.create_group('new'); file.flush()",
}


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "study.h5"
    write_hdf5(path, {"losses": np.arange(5000.0), "few": np.arange(3)}, {"content": "study"})
    return path


def run(code, path, **environment):
    return subprocess.run(
        [sys.executable, "-c", f"import h5py, os, sys; name = sys.argv[1]; {code}", str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts"), **environment},
        capture_output=True,
        text=True,
    )


def kill_while_open(code, path):
    assert run(f"{code}; os.kill(os.getpid(), 9)", path).returncode == -9


def test_what_is_written_has_the_superblock_whose_mark_is_known(sealed):
    assert sealed.read_bytes()[512 + 8 : 512 + 9] == front._SUPERBLOCK


@pytest.mark.parametrize("code", OPENED.values(), ids=OPENED)
def test_a_file_left_open_is_read_with_one_warning(sealed, caplog, code):
    content, attributes = read_hdf5(sealed)
    whole = sealed.read_bytes()
    kill_while_open(code, sealed)
    assert sealed.read_bytes() != whole, "nothing to tell apart"
    with caplog.at_level(logging.WARNING):
        found, same = read_hdf5(sealed)
        assert read_front(sealed).seal == attributes["sha256"]
    assert same == attributes
    assert np.array_equal(found["losses"], content["losses"])
    (warning,) = caplog.messages
    assert warning.startswith(f"{sealed}: a program opened this file for writing")
    assert "\n" not in warning


def test_the_way_out_of_the_warning_gives_the_bytes_back(sealed, caplog):
    whole = sealed.read_bytes()
    kill_while_open(OPENED["r+"], sealed)
    read_front(sealed)
    command = caplog.messages[0].partition("and run: ")[2].replace("python", sys.executable, 1)
    subprocess.run(command, shell=True, check=True)
    assert sealed.read_bytes() == whole


@pytest.mark.parametrize("code", CHANGED.values(), ids=CHANGED)
def test_a_file_left_open_and_changed_is_refused_and_says_both(sealed, code):
    kill_while_open(code, sealed)
    with pytest.raises(BrokenFileError, match="does not match its own SHA-256, and a program that"):
        read_hdf5(sealed)


def test_a_changed_file_that_was_closed_is_only_changed(sealed):
    done = run("file = h5py.File(name, 'r+'); file['few'][0] = 7; file.close()", sealed)
    assert done.stderr == ""
    with pytest.raises(BrokenFileError, match=r"does not match its own SHA-256$"):
        read_hdf5(sealed)


def test_a_file_that_another_program_has_open_is_read(sealed, caplog):
    code = "file = h5py.File(name, 'r+'); print(1, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", f"import h5py, sys; name = sys.argv[1]; {code}", str(sealed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        found = read_hdf5(sealed)[0]
        other.stdin.close()
        assert other.wait() == 0
    assert len(found["losses"]) == 5000
    assert len(caplog.messages) == 1


@pytest.fixture(scope="module")
def no_flock(tmp_path_factory):
    """A library that makes flock fail, as on NFS and Lustre."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to make flock fail with")
    folder = tmp_path_factory.mktemp("flock")
    (folder / "flock.c").write_text(FLOCK)
    library = folder / "flock.so"
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, folder / "flock.c"], capture_output=True
    )
    if done.returncode:
        pytest.skip("the C compiler cannot make a library here")
    return str(library)


@pytest.mark.parametrize("locking", ["", "TRUE"])
@pytest.mark.parametrize("number", [37, 524, 11, 5])
def test_no_lock_is_needed_to_read_or_write(sealed, no_flock, number, locking):
    refused = {"LD_PRELOAD": no_flock, "FLOCK_ERRNO": str(number)}
    refused |= {"HDF5_USE_FILE_LOCKING": locking} if locking else {}
    plain = run("h5py.File(name, 'r')", sealed, **refused)
    assert "unable to lock file" in plain.stderr, "flock does not fail"
    code = (
        "from ewc_lambda.store.records import read_hdf5, write_hdf5; "
        "content, _ = read_hdf5(name); write_hdf5(name + '.copy', content, {'content': 'study'})"
    )
    done = run(code, sealed, **refused)
    assert done.stderr == ""
    assert Path(f"{sealed}.copy").read_bytes() == sealed.read_bytes()
