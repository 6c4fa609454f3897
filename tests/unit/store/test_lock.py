"""One run at a time in a study's folder."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from ewc_lambda.errors import StudyError
from ewc_lambda.store.lock import hold


def test_a_lock_is_held_until_it_is_given_back(tmp_path):
    file, said = hold(tmp_path / "study")
    assert said == ""
    with pytest.raises(StudyError, match=rf"going on \(process {os.getpid()} on "):
        hold(tmp_path / "study")
    file.close()
    hold(tmp_path / "study")[0].close()
    assert not (tmp_path / "study").exists(), "a lock makes no folder of results"


def test_a_lock_ends_with_its_process(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from ewc_lambda.store.lock import hold; "
        "kept = hold(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-c", code, str(tmp_path / "study")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == -9
    hold(tmp_path / "study")[0].close()


@pytest.mark.parametrize("number", [errno.ENOLCK, 524, errno.EAGAIN, errno.EIO])
def test_a_disk_without_locks_is_told(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    file, said = hold(tmp_path / "study")
    assert file is None
    assert "knows no locks" in said


def test_a_full_disk_is_no_reason_to_have_no_lock(tmp_path):
    full = tmp_path / ".study.running"
    full.symlink_to("/dev/full")
    file, said = hold(tmp_path / "study")
    assert said == ""
    file.close()
