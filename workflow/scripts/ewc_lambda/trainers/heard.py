"""What a process says, in a job's log: all of it, or its beginning and its end."""

from __future__ import annotations

import logging
import os
import selectors
import subprocess
from collections.abc import Callable

BEGINNING, END = 100_000, 10_000
"""Bytes that are kept at most."""

LONGEST = 2000
"""Letters of a line."""


class Heard:
    """The output of a process on its way to a logger."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._bytes, self._open, self._last = 0, b"", b""

    def listen(
        self, process: subprocess.Popen[bytes], meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Take what a process writes until it has ended, and do something else a few times a
        second. What a child that it left behind goes on to write is not waited for.
        """
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        with selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            while True:
                over = process.poll() is not None
                meanwhile()
                if ready.select(0 if over else 0.2):
                    text = os.read(pipe, 65536)
                    self._take(text)
                    if not text:
                        process.wait()
                        break
                elif over:
                    break
        self._end()

    def _take(self, text: bytes) -> None:
        self._bytes += len(text)
        if self._bytes > BEGINNING:
            self._last = (self._last + text)[-END:]
            return
        whole, newline, rest = (self._open + text).rpartition(b"\n")
        self._open = rest
        self._say(whole + newline)

    def _end(self) -> None:
        self._say(self._open)
        if self._bytes > BEGINNING:
            self._logger.info("... %d bytes in all; the end of them:", self._bytes)
            self._say(self._last)

    def _say(self, text: bytes) -> None:
        for line in text.decode(errors="replace").splitlines():
            self._logger.info("%s", line.rstrip()[:LONGEST])
