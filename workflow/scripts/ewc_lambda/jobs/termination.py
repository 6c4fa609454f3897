"""SIGTERM ends a run of Snakemake at any moment, not only at most of them."""

from __future__ import annotations

import signal
import threading
from typing import Any


def hear_sigterm() -> None:
    """Let the handler of SIGTERM that stands run in a thread of its own from now on.

    Snakemake's handler (``JobScheduler.exit_gracefully``, 9.27) waits for the scheduler's lock. A
    handler interrupts the main thread, and where that one holds the lock, as it does while it takes
    a finished job over and while a checkpoint makes it look at the files again, both wait for ever.
    A thread beside it waits no longer than the lock is held.

    Called in the main thread, after Snakemake has made its scheduler.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):

        def beside(*arguments: Any) -> None:
            threading.Thread(target=handler, args=arguments).start()

        signal.signal(signal.SIGTERM, beside)
