"""How many trials a study goes on to, and when it ends."""

import math

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from ewc_lambda.search.looks import ALL_TRIALS, GROWTH, NARROW, NO_MINIMUM, STOPPED, look

INF, NAN = math.inf, math.nan
widths = st.one_of(st.floats(1e-3, 10), st.just(INF), st.just(NAN))


def half_width(n):
    return t.ppf(0.5 + STOPPED / 2, n - 1) / math.sqrt(n)


def test_the_widest_interval_counts_and_one_without_a_minimum_does_not():
    assert look({"a": 0.2, "b": 0.3}, 0.3, 5, 20).stop == NARROW
    assert look({"a": 0.2, "b": 0.31}, 0.3, 5, 20).next_trials == 6
    assert look({"a": 0.2, "b": NAN}, 0.3, 5, 20).stop == NARROW
    assert look({"a": NAN, "b": NAN}, 0.3, 5, 20).stop == NO_MINIMUM
    assert look({"a": 0.2, "b": INF}, 0.3, 5, 20).next_trials == 8


def test_it_ends_with_the_trials_that_there_are_at_most():
    assert look({"a": 2.0}, 0.3, 19, 20).next_trials == 20
    assert look({"a": 2.0}, 0.3, 20, 20).stop == ALL_TRIALS
    assert look({"a": 0.3}, 0.3, 20, 20).stop == NARROW


@given(st.floats(0.05, 5), st.integers(3, 40), st.floats(0.01, 1))
def test_the_number_is_the_least_that_would_do_at_the_spread_there_is(width, n, target):
    found = look({"a": width}, target, n, 100_000)
    if width <= target:
        assert found.stop == NARROW
        return
    # Brute force, one trial after another.
    m = n
    while m < math.ceil(GROWTH * n) and width * half_width(m) / half_width(n) > target:
        m += 1
    assert found.next_trials == max(m, n + 1)


@given(st.lists(widths, min_size=1, max_size=4), st.floats(0.01, 2), st.integers(3, 50))
def test_every_sequence_of_looks_ends(each, target, most):
    n, count = 3, 0
    while (said := look(dict(enumerate(each)), target, n, most)).stop is None:
        assert n < said.next_trials <= most
        n, count = said.next_trials, count + 1
    assert count <= most
