"""Settings of all tests: how many examples property tests (hypothesis) draw; Ctrl+C is heard; what
takes longest begins first.

`unit` is the default. `pytest tests/unit --hypothesis-profile=nightly` draws ten times as many, and
others on every run.
"""

import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A shell without job control lets what it runs in the background ignore Ctrl+C, and all that is
# started there; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No time limit for an example: machines are busy at times.
settings.register_profile("unit", deadline=None, derandomize=True, database=None, max_examples=200)
settings.register_profile(
    "nightly", deadline=None, database=None, max_examples=2000, print_blob=True
)
settings.load_profile("unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of a few long tests first: at the end one of two processes would run them alone."""
    items.sort(key=lambda item: item.path.is_relative_to(Path(__file__).with_name("unit")))
