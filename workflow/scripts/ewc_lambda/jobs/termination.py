"""SIGTERM ends a run of Snakemake at any moment, not only at most of them; whoever asks is told."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any


def hear_sigterm(heard: Callable[[], None]) -> None:
    """Let the handler of SIGTERM that stands run in a thread of its own from now on, after a call
    of ``heard``.

    Snakemake's handler (``JobScheduler.exit_gracefully``, 9.27) waits for the scheduler's lock. A
    handler interrupts the main thread, and where that one holds the lock, as it does while it takes
    a finished job over and while a checkpoint makes it look at the files again, both wait for ever.
    A thread beside it waits no longer than the lock is held.

    Called in the main thread, after Snakemake has made its scheduler.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):

        def beside(*arguments: Any) -> None:
            heard()
            threading.Thread(target=handler, args=arguments).start()

        signal.signal(signal.SIGTERM, beside)


def hear_ctrl_c(heard: Callable[[], None]) -> None:
    """Call ``heard`` at once when the user interrupts the run: its jobs, which the terminal
    interrupts too, may end before Snakemake has looked.
    """
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):

        def first(number: int, frame: Any) -> None:
            heard()
            handler(number, frame)

        signal.signal(signal.SIGINT, first)
