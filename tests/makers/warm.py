"""Helpers of warm starts, and jobs' own processes, with and without one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import psutil

from ewc_lambda.jobs.warm.starts import CLIENT, begin_helper, end_helper, of_one_thread

# A job that fails unless it was forked: the helper's child has the name of its script.
FORKED = "import sys; sys.exit(open('/proc/self/comm').read().strip() != 'make_grid')"


def environment() -> dict[str, str]:
    """The environment of a run: without what pytest writes anew for each test."""
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


@contextmanager
def helper_in(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A helper whose socket lies in a folder that it makes."""
    folder.mkdir(mode=0o700)
    with mock.patch.dict(os.environ, environment(), clear=True):
        helper = begin_helper(folder)
    try:
        yield helper
    finally:
        end_helper(helper, folder)


def by_itself(script: Path) -> list[str]:
    """The command of a job without a helper."""
    return [sys.executable, str(script)]


def through(folder: Path, script: Path, client: Path = CLIENT) -> list[str]:
    """The command of a job's client; the helper imports what the script make_grid imports."""
    start = [sys.executable, "-I", "-S", str(client), str(folder / "socket"), "make_grid"]
    return [*start, *by_itself(script)]


def start(command: list[str]) -> subprocess.Popen[str]:
    """Start a job's process as Snakemake would, and read what it prints."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, env=of_one_thread(environment()), text=True, **pipes)


def run(command: list[str], given: str = "") -> tuple[int, str, str]:
    """Exit code, output and errors of a job's process."""
    process = start(command)
    output, errors = process.communicate(given, timeout=60)
    return process.returncode, output, errors


def soon(holds: Callable[[], object], seconds: float = 5) -> bool:
    """Whether something holds before so many seconds are over."""
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.01)
    return True


def runs(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def hears(process: int, number: int) -> bool:
    """Whether a process has a handler of its own for a signal."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (caught,) = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)
