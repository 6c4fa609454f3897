"""How many trials leave a narrower interval, against trying one number after another."""

import math

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from ewc_lambda.inference.new_network import MOST_TRIALS, trials_needed


def half(m):
    return t.ppf(0.975, m - 1) / math.sqrt(m)


@given(st.integers(2, 30), st.floats(0.05, 1.5))
def test_it_is_the_least_that_is_enough(n, narrower):
    found = trials_needed(n, narrower)
    if found is None:
        assert half(MOST_TRIALS - 1) > narrower * half(n)
        return
    assert half(found) <= narrower * half(n) * (1 + 1e-12)
    assert found == n or half(found - 1) > narrower * half(n) * (1 - 1e-12)


def test_beyond_twenty_times_as_many():
    assert trials_needed(30, 0.2) == next(m for m in range(30, 5000) if half(m) <= 0.2 * half(30))
    assert trials_needed(30, 0.01) is None
    assert trials_needed(1, 0.5) is None
