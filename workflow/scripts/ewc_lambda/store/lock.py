"""One run at a time in a study's folder.

Snakemake locks the files of a run, but drops the locks of all runs in a folder when any of them
ends. This lock is the operating system's: it ends with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
from pathlib import Path
from typing import IO

from ewc_lambda.errors import StudyError


def hold(folder: Path) -> tuple[IO[str] | None, str]:
    """Take the lock of a study's folder until the process ends.

    Returns:
        The open file, which must be kept, and "". Where the file system has no locks: None, and a
        line that says so.

    Raises:
        StudyError: another run has it.

    """
    path = folder.with_name(f".{folder.name}.running")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise StudyError(f"{path}: cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = _holder(path)
        file.close()
        if isinstance(error, BlockingIOError) and holder:
            raise StudyError(
                f"{folder}: another run of this study is going on ({holder}). Wait for its end, or "
                f"give this one another name: --config study=NAME"
            ) from None
        return None, (
            f"{folder}: its file system knows no locks ({error.strerror}). See to it that one run "
            f"at a time works there."
        )
    # Who has it is said for people: on a full disk it is held all the same.
    with contextlib.suppress(OSError):
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
    return file, ""


def _holder(path: Path) -> str:
    """Who has the lock: "" where nobody does who can be seen to run."""
    words = path.read_text().split()
    if len(words) != 4:
        return ""
    process, host = int(words[1]), words[3]
    if host == platform.node() and not Path(f"/proc/{process}").exists() and Path("/proc").exists():
        return ""
    return " ".join(words)
