"""Names of files: one that exists stands for a finished file.

Every file is written under a temporary name in its own folder and renamed once it is whole, even
with two writers; a broken one is given another name.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ewc_lambda.errors import StudyError


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


def move_aside(path: Path) -> Path:
    """Give a broken file another name, so that it is made anew and can still be looked at."""
    return path.replace(path.with_name(f"{path.name}.broken"))


def flush(path: Path) -> None:
    """Have a file's content on the disk before its name is."""
    with path.open("rb") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            # Some file systems have no such order (FUSE); a disk that fails has.
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
                raise


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
