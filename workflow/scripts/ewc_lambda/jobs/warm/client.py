"""A job's own process: it hands its script to the helper and waits for the exit code.

    python -I -S client.py SOCKET NAME PYTHON SCRIPT

Where the helper cannot be reached, does not answer, or refuses (it has other code imported), the
process becomes ``PYTHON SCRIPT``, which is how a job starts without a helper. Where the socket is
gone, so is the run, and nothing is started. Nothing is imported that takes longer than a few
milliseconds, and nothing of the library.

What is sent: three open files (the standard streams), 8 bytes with the length of what follows, and
a marshalled request. What comes back: ``y`` and, when the job has ended, its exit code in a byte;
or ``n`` and the reason.
"""

from __future__ import annotations

import marshal
import os
import signal
import socket
import struct
import sys

# Seconds until a helper that does not answer is given up: torch may come from a slow disk.
PATIENCE = 300
# The exit code of a process that was killed with -9, as a shell tells it.
KILLED = 128 + signal.SIGKILL


def main() -> None:
    """Command line: see above."""
    path, name, *command = sys.argv[1:]
    heard = signal.getsignal(signal.SIGINT)
    if heard is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # From here on this process hears Ctrl+C (`starts`); one that came before ends it.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE)
    try:
        connection.connect(path)
        if peer_of(connection) != os.getuid():
            raise OSError("the helper is another user's")
        _send(connection, name, command)
        answer = connection.recv(1)
        refusal = b"".join(iter(lambda: connection.recv(4096), b"")) if answer == b"n" else b""
    except OSError:
        answer = refusal = b""
    if answer == b"y":
        if heard is signal.default_int_handler:
            # In case Ctrl+C went to this process alone.
            signal.signal(signal.SIGINT, lambda *_: connection.send(b"i"))
        os._exit(_exit_code(connection))
    connection.close()
    if refusal:
        sys.stderr.write(f"{name}: starts by itself: {refusal.decode(errors='replace')}\n")
        sys.stderr.flush()
    elif not os.path.exists(path):  # noqa: PTH110
        os._exit(1)
    os.execvp(command[0], command)


def peer_of(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", credentials)[1])


def _send(connection: socket.socket, name: str, command: list[str]) -> None:
    mask = os.umask(0)
    os.umask(mask)
    request = {
        "name": name,
        "script": command[-1],
        "folder": os.getcwdb(),  # noqa: PTH109 - pathlib would take as long as all else
        "environment": dict(os.environb),
        "umask": mask,
    }
    content = marshal.dumps(request)
    socket.send_fds(connection, [len(content).to_bytes(8, "big")], [0, 1, 2])
    connection.sendall(content)


def _exit_code(connection: socket.socket) -> int:
    connection.settimeout(None)
    try:
        code = connection.recv(1)
    except OSError:
        code = b""
    return code[0] if code else KILLED


if __name__ == "__main__":
    main()
