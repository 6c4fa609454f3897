"""Snakemake in a process that was forked from one that has it imported: half of a dry run is that.

Each run is a Snakemake of its own, from its command line to its end, in its own folder and
environment; what it finds imported are packages, and nothing of the library, of which each project
has its own copy.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from ewc_lambda.jobs.warm.helper import Helper
from ewc_lambda.jobs.warm.starts import CLIENT, begin_helper, end_helper
from ewc_lambda.store.code import SCRIPTS

PACKAGES = ("snakemake.cli", "snakemake.script", "snakemake.benchmark", "snakemake.report")
PACKAGES += ("snakemake.executors.local", "snakemake.executors.dryrun", "pulp", "psutil")
PACKAGES += ("numpy", "pandas", "scipy", "h5py", "yaml", "jsonschema")
# As ``python -m snakemake`` in that folder, with its PYTHONPATH.
PROGRAM = """
import os, sys

for name in [name for name in sys.modules if name.partition(".")[0] == "ewc_lambda"]:
    del sys.modules[name]
sys.path[0:1] = [os.getcwd(), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
sys.argv[:] = {argv}

from snakemake.cli import main
from snakemake.workflow import Workflow

# Of the folder in which it was imported.
Workflow._rundir = os.getcwd()
main()
"""


def forked(arguments: Sequence[str]) -> list[str]:
    """The command of a process that has Snakemake forked with these arguments, and ends as it ends.
    A file for it lies beside the server's socket: in a checkout, a file that git does not know
    would change the revision that results name.
    """
    number, path = tempfile.mkstemp(suffix=".py", dir=_server())
    os.close(number)
    script = Path(path)
    script.write_text(PROGRAM.format(argv=["snakemake", *arguments]))
    own = [sys.executable, str(script)]
    return [sys.executable, "-I", "-S", str(CLIENT), str(_server() / "socket"), "snakemake", *own]


def can_fork(environment: Mapping[str, str], folder: Path) -> bool:
    """Whether a process with these variables finds what any other finds: Python itself reads
    PYTHONPATH, and runs what is called sitecustomize, before a program begins.
    """
    usual = environment.get("PYTHONPATH") == str(folder / "workflow/scripts")
    return usual and sys.platform == "linux"


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
    for package in PACKAGES:
        importlib.import_module(package)
    gc.disable()
    gc.freeze()
    server = Server(socket.socket(fileno=int(sys.argv[1])), signal.default_int_handler)
    server.serve()
    server.end()


if __name__ == "__main__":
    main()
