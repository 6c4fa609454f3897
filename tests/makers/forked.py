"""Snakemake in a process that was forked from one that has it imported: half of a dry run is that.

Each run is a Snakemake of its own, from its command line to its end, in its own folder and
environment; what it finds imported are packages, and nothing of the library, of which each project
has its own copy. The helper of its warm starts is forked, too, as what jobs import takes longest.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from ewc_lambda.jobs.warm.helper import Helper
from ewc_lambda.jobs.warm.starts import (
    CLIENT,
    HELPER,
    SWITCH,
    begin_helper,
    end_helper,
    of_one_thread,
)
from ewc_lambda.store.code import SCRIPTS

PACKAGES = ("snakemake.cli", "snakemake.script", "snakemake.benchmark", "snakemake.report")
PACKAGES += ("snakemake.executors.local", "snakemake.executors.dryrun", "pulp", "psutil")
PACKAGES += ("numpy", "pandas", "h5py", "yaml", "jsonschema")
PACKAGES += ("scipy.interpolate", "scipy.optimize", "scipy.special", "scipy.stats")
# What jobs import late or not, whose helper is forked.
PACKAGES += ("torch", "safetensors.torch", "sklearn.datasets", "bokeh.plotting", "bokeh.embed")
PACKAGES += ("matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg")
# Variables that nothing depends on that is imported before a fork.
FREE = {"PYTHONPATH", "GIT_CEILING_DIRECTORIES", "MAKELEVEL", "PYTEST_CURRENT_TEST", "PATH", SWITCH}
# As ``python -m snakemake`` in that folder, with its PYTHONPATH.
PROGRAM = """
import os, sys

for name in [name for name in sys.modules if name.partition(".")[0] == "ewc_lambda"]:
    del sys.modules[name]
sys.path[0:1] = [os.getcwd(), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
sys.argv[:] = {argv}

from forked import fork_helper
from snakemake.cli import main
from snakemake.workflow import Workflow

if {usual}:
    fork_helper()

# Of the folder in which it was imported.
Workflow._rundir = os.getcwd()
main()
"""


def forked(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The command of a process that has Snakemake forked with these arguments, and ends as it ends.
    It has to be given these variables beside those of this process.

    A file for it lies beside the server's socket: in a checkout, a file that git does not know
    would change the revision that results name.
    """
    number, path = tempfile.mkstemp(suffix=".py", dir=_server())
    os.close(number)
    script = Path(path)
    differing = _begun_in().items() ^ {**os.environ, **environment}.items()
    usual = {name for name, _ in differing} <= FREE
    script.write_text(PROGRAM.format(argv=["snakemake", *arguments], usual=usual))
    own = [sys.executable, str(script)]
    return [sys.executable, "-I", "-S", str(CLIENT), str(_server() / "socket"), "snakemake", *own]


def can_fork(environment: Mapping[str, str], folder: Path) -> bool:
    """Whether a process with these variables finds what any other finds: Python itself reads
    PYTHONPATH, and runs what is called sitecustomize, before a program begins.
    """
    usual = environment.get("PYTHONPATH") == str(folder / "workflow/scripts")
    return usual and sys.platform == "linux"


def fork_helper() -> None:
    """Let the library's `begin_helper` of this process have a copy of what it is now: it waits for
    that, and ends where no helper is begun.
    """
    from ewc_lambda.jobs.warm import starts

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = os.fork()
    if process == 0:
        ours.close()
        _become_helper(theirs)
    theirs.close()

    def begin(folder: Path) -> ForkedHelper:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(folder / "socket"))
            listener.listen(socket.SOMAXCONN)
            read, write = os.pipe()
            environment = of_one_thread({**os.environ, "PWD": str(Path.cwd())})
            said = [json.dumps(environment).encode()]
            socket.send_fds(ours, said, [listener.fileno(), read])
        os.close(read)
        return ForkedHelper(process, write)

    starts.begin_helper = begin


class ForkedHelper:
    """What the library asks of its helper's process."""

    def __init__(self, process: int, stdin: int) -> None:
        self.pid = process
        self.stdin = os.fdopen(stdin, "wb")

    def wait(self, seconds: float | None = None) -> None:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it has not come after so many seconds.

        """
        ends = time.monotonic() + (seconds or 0)
        while os.waitpid(self.pid, os.WNOHANG if seconds else 0)[0] == 0:
            if time.monotonic() > ends:
                raise subprocess.TimeoutExpired(HELPER, seconds or 0)
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill it, with -9."""
        os.kill(self.pid, signal.SIGKILL)


def _become_helper(connection: socket.socket) -> None:
    try:
        with connection:
            said, files, _, _ = socket.recv_fds(connection, 1 << 20, 2)
        if not said:
            os._exit(0)
        listener, stdin = files
        os.dup2(stdin, 0)
        os.close(stdin)
        os.environ.clear()
        os.environ.update(json.loads(said))
        os.chdir(os.environ["PWD"])
        sys.argv[:] = [HELPER, str(listener)]
        runpy.run_module(HELPER, run_name="__main__")
        os._exit(0)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        os._exit(1)


@functools.cache
def _begun_in() -> dict[str, str]:
    """The variables of this process when its server began."""
    _server()
    return dict(os.environ)


@functools.cache
def _server() -> Path:
    """The folder of this process's server, which ends with it."""
    folder = Path(tempfile.mkdtemp(prefix="forked-"))
    with mock.patch.dict(os.environ, PYTHONPATH=str(SCRIPTS)):
        helper = begin_helper(folder, [__file__])
    atexit.register(end_helper, helper, folder)
    return folder


class Server(Helper):
    """Serves everybody: nothing that depends on environment or code is imported before a fork."""

    def _refuses(self, request: Mapping[str, Any]) -> str:
        return ""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.modules["forked"] = sys.modules["__main__"]
    for package in PACKAGES:
        importlib.import_module(package)
    gc.disable()
    gc.freeze()
    server = Server(socket.socket(fileno=int(sys.argv[1])), signal.default_int_handler)
    server.serve()
    server.end()


if __name__ == "__main__":
    main()
