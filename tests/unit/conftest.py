"""Settings of the unit tests."""

from hypothesis import settings

# The same examples on every run, and no time limit for one: machines are busy at times.
settings.register_profile("unit", deadline=None, derandomize=True, database=None)
settings.load_profile("unit")
