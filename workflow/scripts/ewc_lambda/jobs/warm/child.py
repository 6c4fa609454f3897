"""A job in a child of the helper: as if its script had been started by itself.

Its folder, environment and standard streams are the client's. A thread watches the client, and ends
the child at once when that is gone, as whoever kills a job expects.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import gc
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from ewc_lambda.jobs.warm.usage import Usage

# As a shell tells it.
INTERRUPTED = 128 + signal.SIGINT


def run_child(
    connection: socket.socket, request: Mapping[str, Any], files: Sequence[int], folder: Path
) -> NoReturn:
    """Run the script of a request in this process, which ends with it.

    Args:
        connection: to the client, which hears that the job runs and then its exit code.
        request: the client's (`ewc_lambda.jobs.warm.client`).
        files: its standard input, output and error.
        folder: where the job's resource usage is written, in a file of the script's name.

    """
    usage = Usage()
    _take_over(request, files)
    connection.settimeout(None)
    connection.sendall(b"y")
    threading.Thread(target=_watch, args=(connection, usage), daemon=True).start()
    script = request["script"]
    code = run_script(script)
    with contextlib.suppress(OSError):
        usage.write(folder / Path(script).name)
    connection.sendall(bytes([code]))
    os._exit(code)


def run_script(script: str) -> int:
    """Run a Python file as the program of this process; its exit code."""
    main = ModuleType("__main__")
    main.__dict__.update(__file__=script, __builtins__=builtins)
    sys.modules["__main__"] = main
    sys.argv[:] = [script]
    sys.path.insert(0, str(Path(script).absolute().parent))
    code = 0
    try:
        exec(compile(Path(script).read_bytes(), script, "exec"), main.__dict__)
    except SystemExit as end:
        code = _said(end)
    except KeyboardInterrupt:
        # Who pressed Ctrl+C knows why; the job's log has where it was.
        code = INTERRUPTED
    except BaseException as error:
        # Without the frame of this function, which a script by itself has not.
        trace = error.__traceback__ and error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        code = 1
    # Pools of threads are told to end first, as at the end of a Python.
    for ending in reversed(threading._threading_atexits):  # type: ignore[attr-defined]
        ending()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    # What the end of a Python does, without taking apart what is a copy of the helper's.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code


def _take_over(request: Mapping[str, Any], files: Sequence[int]) -> None:
    """Make this process one that the client might have started."""
    gc.enable()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=os.isatty(1))
    os.environb.clear()
    os.environb.update(request["environment"])
    os.chdir(request["folder"])
    os.umask(request["umask"])
    # What was drawn or looked up once, before the fork.
    tempfile.tempdir = None
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    # What the helper imported is its own to take apart (of torch that takes longer than the rest of
    # a start), and its temporary folders are its own to remove.
    for each in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        each.atexit = False
    atexit.unregister(shutil.rmtree)
    # For people who look at processes.
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(request["name"][:15])
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(*_: Any) -> None:
    # Ctrl+C reaches this process and its client, which hands it on: once is enough.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _watch(connection: socket.socket, usage: Usage) -> None:
    for pause in usage.pauses():
        ready, _, _ = select.select([connection], [], [], pause)
        if not ready:
            usage.sample()
        elif _heard(connection) == b"i":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGKILL)


def _heard(connection: socket.socket) -> bytes:
    """What the client says: nothing where it is gone, and the connection is reset where it went
    before it had read that the job runs.
    """
    try:
        return connection.recv(1)
    except OSError:
        return b""


def _said(end: SystemExit) -> int:
    """The exit code of a program that ends so; a message is printed."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    print(end.code, file=sys.stderr)
    return 1
