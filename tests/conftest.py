"""Settings of all tests: how many examples property tests (hypothesis) draw.

`unit` is the default. `pytest tests/unit --hypothesis-profile=nightly` draws ten times as many, and
others on every run.
"""

from hypothesis import settings

# No time limit for an example: machines are busy at times.
settings.register_profile("unit", deadline=None, derandomize=True, database=None, max_examples=200)
settings.register_profile(
    "nightly", deadline=None, database=None, max_examples=2000, print_blob=True
)
settings.load_profile("unit")
