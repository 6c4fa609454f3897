"""What a scout says of the decades in which lambda acts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewc_lambda.search.scout import LAMBDAS, ranges

X = np.log10(LAMBDAS)
INF, NAN = math.inf, math.nan


def valley(at, left=10.0, depth=5.0, right=12.0, half=2.0):
    """A plateau, a valley around ``at``, another plateau."""
    x = X - at
    rise = 1 / (1 + np.exp(-4 * (x - half)))
    fall = 1 / (1 + np.exp(4 * (x + half)))
    return left * fall + right * rise + (left - depth) * (1 - fall - rise)


@pytest.mark.parametrize("at", [-6, -3, 0, 3, 9, 15])
def test_the_valley_lies_between_and_little_else(at):
    found = ranges(LAMBDAS, valley(at))
    low, high = np.log10(found["low_range"]), np.log10(found["high_range"])
    assert low[1] < at < high[0]
    assert low[0] >= at - 6
    assert high[1] <= at + 6


def test_by_hand():
    measures = [5.0] * 6 + [4.9, 3.0, 2.0, 6.0] + [7.0] * 9
    found = ranges(LAMBDAS, measures)
    # Half way up, 3.5 and 4.5: at 1e0 the last on the left, at 1e6 the first on the right.
    assert found == {"low_range": [1.0, 10.0], "high_range": [1e5, 1e6]}


def test_digits_as_they_were_scouted():
    measures = [33.86] * 5 + [33.85, 33.03, 16.37, 17.65, 22.67, 24.96] + [25.27] * 8
    found = ranges(LAMBDAS, measures)
    assert found == {"low_range": [1.0, 10.0], "high_range": [1e5, 1e6]}


def test_a_shallow_dip_lies_between():
    measures = [18.1] * 4 + [18.07, 17.68, 21.41, 30.31] + [30.66] * 11
    found = ranges(LAMBDAS, measures)
    assert found["low_range"][0] <= 1e-4
    assert found["high_range"][1] >= 1.0


def test_where_training_diverges_lambda_is_too_large():
    measures = [5.0] * 6 + [4.0, 3.0, 4.0, 8.0] + [INF, NAN] + [INF] * 7
    found = ranges(LAMBDAS, measures)
    assert found["high_range"][1] <= 1e9
    assert found["low_range"][0] >= 1e-2


def test_a_measure_that_only_falls_or_only_rises_has_an_end():
    falls = [5.0] * 9 + [4.0, 3.0, 2.0, 1.0] + [1.0] * 6
    assert ranges(LAMBDAS, falls) == {"low_range": [1e8, 1e9], "high_range": [1e13, 1e14]}
    rises = falls[::-1]
    assert ranges(LAMBDAS, rises) == {"low_range": [0.01, 0.1], "high_range": [1e3, 1e4]}


def test_a_measure_that_is_the_same_everywhere_says_nothing():
    found = ranges(LAMBDAS, [3.0] * 19)
    assert found == {"low_range": [1e-12, 1e-11], "high_range": [1e23, 1e24]}


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(INF), st.just(NAN)), min_size=19, max_size=19)
)
def test_ranges_are_always_ranges(measures):
    found = ranges(LAMBDAS, measures)
    low, high = found["low_range"], found["high_range"]
    assert 0 < low[0] < low[1] < high[0] < high[1] <= 1e30


@given(st.lists(st.floats(0, 10), min_size=19, max_size=19))
def test_the_lowest_measure_is_never_left_out(measures):
    found, best = ranges(LAMBDAS, measures), int(np.argmin(measures))
    little = 0.01 * np.ptp(measures)
    if measures[best] < min(measures[0], measures[-1]) - little:
        assert found["low_range"][0] < LAMBDAS[best] < found["high_range"][1]
