"""Warm starts of a run's jobs, from its beginning to its end."""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ewc_lambda.jobs.warm.usage import add_usage
from ewc_lambda.store.code import SCRIPTS

# Set to 0, jobs start by themselves.
SWITCH = "EWC_LAMBDA_WARM"
# What libraries read once, when they are imported.
THREADS = (
    "OMP_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
# Seconds that a helper may take to end its children.
PATIENCE = 5
CLIENT = Path(__file__).with_name("client.py")
HELPER = "ewc_lambda.jobs.warm.helper"


def begin_warm_starts(script_class: Any, say: Callable[[str], Any]) -> None:
    """Begin the helper, and let scripts of this workflow start from it until the process ends.

    Args:
        script_class: Snakemake's ``PythonScript``, whose scripts are run by its ``_execute_cmd``.
        say: is given a line where jobs have to start by themselves.

    """
    if os.environ.get(SWITCH) == "0":
        return
    try:
        if sys.platform != "linux":
            raise OSError(f"forking is not safe on {sys.platform}")
        execute = script_class._execute_cmd
        folder = Path(tempfile.mkdtemp(prefix="ewc-lambda-"))
        helper = begin_helper(folder)
    except (OSError, AttributeError) as error:
        say(f"Each job imports the library by itself, which takes a second or two: {error}.")
        return
    atexit.register(end_helper, helper, folder)
    script_class._execute_cmd = through_client(execute, folder)


def through_client(execute: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """A ``_execute_cmd`` that has the scripts of this workflow started through a client. Those of
    other workflows, and those with an environment or a container of their own, are left alone.
    """

    def execute_cmd(script: Any, cmd: str, **given: Any) -> Any:
        if not given.get("is_python_script") or not _is_ours(script):
            return execute(script, cmd, **given)
        name = Path(str(script.path.get_path_or_uri(secret_free=True))).stem
        client = [sys.executable, "-I", "-S", str(CLIENT), str(folder / "socket"), name]
        given["py_exec"] = f"{shlex.join(client)} {given['py_exec']}"
        with without_ctrl_c():
            done = execute(script, cmd, **given)
        if script.bench_record is not None:
            add_usage(script.bench_record, folder / Path(given["fname"]).name)
        return done

    return execute_cmd


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Let processes that this thread starts hear Ctrl+C when they ask for it, and not before: a
    Python that hears it while it begins ends with a fatal error and where that was. The other
    threads hear it as ever.
    """
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def _is_ours(script: Any) -> bool:
    own = (script.conda_env, script.container_img, script.env_modules)
    path = Path(str(script.path.get_path_or_uri(secret_free=True)))
    return not any(own) and path.resolve().parent == SCRIPTS


def begin_helper(
    folder: Path, program: Sequence[str] = ("-P", "-m", HELPER)
) -> subprocess.Popen[bytes]:
    """Start the helper of the socket in a folder: what Python is given as ``program``.

    Raises:
        OSError: it cannot be started; the folder is gone.

    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with listener:
            listener.bind(str(folder / "socket"))
            listener.listen(socket.SOMAXCONN)
            return subprocess.Popen(
                [sys.executable, *program, str(listener.fileno())],
                stdin=subprocess.PIPE,
                pass_fds=[listener.fileno()],
                env=of_one_thread(os.environ),
            )
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def of_one_thread(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a job with one thread, as Snakemake makes it (snakemake.shell)."""
    return {**environment, **dict.fromkeys(THREADS, "1")}


def end_helper(helper: subprocess.Popen[bytes], folder: Path) -> None:
    """Let a helper end, with all of its children, and wait for it: its CPU time and theirs count as
    those of this process.
    """
    if helper.stdin is not None:
        helper.stdin.close()
    try:
        helper.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        helper.kill()
        helper.wait()
    shutil.rmtree(folder, ignore_errors=True)
