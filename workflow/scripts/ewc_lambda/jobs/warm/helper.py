"""The helper of a run: it imports what jobs import, once, and forks a child for each.

    python -P -m ewc_lambda.jobs.warm.helper LISTENING

``LISTENING`` is the number of an open file, the Unix socket to which clients connect. The standard
input is a pipe from Snakemake that nobody writes to: when it closes, Snakemake has ended, however
that came, and the helper ends with all of its children.

A script's modules are imported when the first job of it comes. No thread is started and no device
touched before a fork, so a child may do both. Code is imported once: where a file differs from what
it was when the helper began, jobs are refused and start by themselves.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib
import marshal
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ewc_lambda.jobs.warm.child import INTERRUPTED, run_child
from ewc_lambda.jobs.warm.client import peer_of
from ewc_lambda.store.code import SCRIPTS, imported_modules

# Seconds for a client to say what it wants, and between looks at children that may have ended.
PATIENCE = 10
TICK = 0.5
# What Snakemake imports before each script: half of a start where each child does it.
PREAMBLE = ("snakemake.iocontainers", "snakemake.logging")
# What a script imports late, whichever of its jobs comes.
LATE = {"draw_figure": ("matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg")}
# Seconds for a thread that imports began, and are done with, to end.
MOMENT = 1
# What a shell or Snakemake sets for each job, or takes away (a shell does Apptainer's prompt), and
# nothing reads while it is imported.
OF_A_JOB = {b"PWD", b"OLDPWD", b"SHLVL", b"_", b"PS1", b"TMPDIR", b"TMP", b"TEMP", b"TEMPDIR"}


def main() -> None:
    """Command line: see above."""
    # Ctrl+C goes to all processes of a terminal; children hear it, and the helper does not.
    heard = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # As in `imports_that_stay`: it makes nothing but what stays.
    gc.disable()
    helper = Helper(socket.socket(fileno=int(sys.argv[1])), heard)
    helper.serve()
    helper.end()


class Helper:
    """Takes clients and forks children.

    Args:
        listener: the socket to which clients connect. Its folder is private, and goes at the end.
        heard: what children do when they hear SIGINT.

    """

    def __init__(self, listener: socket.socket, heard: Any) -> None:
        self._listener, self._heard = listener, heard
        self._folder = Path(listener.getsockname()).parent
        self._environment = of_all_jobs(os.environb)
        self._code = code_of(SCRIPTS)
        self._imported: set[str] = set()
        # Children that run, and the connections on which they say how they end.
        self._children: dict[int, socket.socket] = {}
        # Why no job is served any more.
        self._unfit = ""

    def serve(self) -> None:
        """Take clients until Snakemake has ended."""
        waited: list[Any] = [sys.stdin, self._listener]
        while True:
            ready, _, _ = select.select(waited, [], [], TICK if self._children else None)
            for child in list(self._children):
                self._see_end(child)
            if sys.stdin in ready:
                return
            if ready:
                self._take()

    def _see_end(self, child: int) -> None:
        """Forget a child that has ended. One that could not say so itself, as after a fault in a
        kernel of torch, has its exit code told here, as a shell would.
        """
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            with self._children.pop(child) as connection, contextlib.suppress(OSError):
                connection.sendall(bytes([code if code >= 0 else 128 - code]))

    def end(self) -> None:
        """End all children at once, and leave nothing. Clients that find no socket know by that
        that the run has ended, and start nothing.
        """
        for child in self._children:
            os.kill(child, signal.SIGKILL)
        for child in self._children:
            os.waitpid(child, 0)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _take(self) -> None:
        connection, _ = self._listener.accept()
        files: list[int] = []
        with connection, contextlib.suppress(OSError, ValueError, EOFError):
            # A client that is gone, or says nothing that makes sense, starts its job by itself.
            connection.settimeout(PATIENCE)
            if peer_of(connection) != os.getuid():
                return
            try:
                request = receive(connection, files)
                reason = self._refuses(request)
                reason = reason or self._fork(connection, request, files)
                if reason:
                    connection.sendall(b"n" + reason.encode(errors="replace"))
            finally:
                for file in files:
                    os.close(file)

    def _fork(self, connection: socket.socket, request: Mapping[str, Any], files: list[int]) -> str:
        sys.stdout.flush()
        try:
            held = connection.dup()
            child = os.fork()
        except OSError as error:
            return f"no process can be forked ({error.strerror})"
        if child == 0:
            try:
                for other in (self._listener, held, *self._children.values()):
                    other.close()
                signal.signal(signal.SIGINT, self._heard)
                run_child(connection, request, files, self._folder)
            except KeyboardInterrupt:
                # Before the script began.
                os._exit(INTERRUPTED)
            finally:
                # Whatever happens, a child never goes on as a helper.
                os._exit(1)
        self._children[child] = held
        return ""

    def _refuses(self, request: Mapping[str, Any]) -> str:
        """Why a job has to start by itself: "" where it need not."""
        given = of_all_jobs(request["environment"])
        differing = dict(given.items() ^ self._environment.items())
        if differing:
            names = b", ".join(sorted(differing)).decode(errors="replace")
            return f"other environment variables ({names})"
        return self._unfit or self._changed() or self._import(request["name"])

    def _import(self, script: str) -> str:
        if script in self._imported:
            return ""
        try:
            for module in (*imported_modules(script), *PREAMBLE, *LATE.get(script, ())):
                importlib.import_module(module)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        gc.freeze()
        self._imported.add(script)
        if _has_threads():
            self._unfit = "a module starts a thread while it is imported"
        elif changed := self._changed():
            # Which of both was imported, nobody can say.
            self._unfit = changed
        return self._unfit

    def _changed(self) -> str:
        same = code_of(SCRIPTS) == self._code
        return "" if same else "the code changed since the run began"


def _has_threads() -> bool:
    """Whether a thread runs beside this one, and goes on for more than a moment: matplotlib watches
    itself with one while it lists the fonts.
    """
    ends = time.monotonic() + MOMENT
    while more := len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        if time.monotonic() > ends:
            break
        time.sleep(0.01)
    return more


def receive(connection: socket.socket, files: list[int]) -> dict[str, Any]:
    """What a client asks for. Its standard streams, open here, are added to ``files``.

    Raises:
        OSError, ValueError, EOFError: it sent something else, or nothing.

    """
    size, streams, _, _ = socket.recv_fds(connection, 8, 3, socket.MSG_WAITALL)
    files += streams
    left, parts = int.from_bytes(size, "big"), []
    while left > 0 and (part := connection.recv(min(left, 1 << 16))):
        parts.append(part)
        left -= len(part)
    request = marshal.loads(b"".join(parts))
    if len(files) != 3 or not isinstance(request, dict):
        raise ValueError("not a request")
    return request


def of_all_jobs(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The environment variables that do not differ from job to job."""
    return {name: value for name, value in environment.items() if name not in OF_A_JOB}


def code_of(folder: Path) -> str:
    """SHA-256 over the names and bytes of all Python files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
