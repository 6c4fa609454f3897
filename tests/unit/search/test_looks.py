"""How many trials a study goes on to, and when it ends."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from ewc_lambda.inference.best_lambda import mean_interval
from ewc_lambda.search.looks import (
    ALL_TRIALS,
    GROWTH,
    LEVEL,
    NARROW,
    NARROW_BOTH,
    NARROW_GAIN,
    NO_GAIN,
    NO_MINIMUM,
    STOPPED,
    look,
)

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


def test_by_the_gain_alone():
    assert look({}, None, 5, 20, {"a": 2.0, "b": 3.0}, 3.0).stop == NARROW_GAIN
    assert look({}, None, 5, 20, {"a": 2.0, "b": 3.1}, 3.0).next_trials == 6
    assert look({}, None, 20, 20, {"a": 9.0}, 3.0).stop == ALL_TRIALS
    assert look({}, None, 5, 20, {"a": NAN, "b": 3.0}, 3.0).stop == NARROW_GAIN
    assert look({}, None, 5, 20, {"a": NAN}, 3.0).stop == NO_GAIN
    assert look({}, None, 5, 20, {"none": 0.0}, 3.0).stop == NARROW_GAIN


def test_of_two_targets_both_are_to_be_met():
    assert look({"a": 0.3}, 0.3, 5, 20, {"a": 3.0}, 3.0).stop == NARROW_BOTH
    assert look({"a": 0.3}, 0.3, 5, 20, {"a": 3.1}, 3.0).next_trials == 6
    assert look({"a": 0.31}, 0.3, 5, 20, {"a": 3.0}, 3.0).next_trials == 6
    assert look({"a": 0.31}, 0.3, 20, 20, {"a": 3.0}, 3.0).stop == ALL_TRIALS
    # One that no trial more would meet ends it, whatever the other.
    assert look({"a": NAN}, 0.3, 5, 20, {"a": 9.0}, 3.0).stop == NO_MINIMUM
    assert look({"a": 0.9}, 0.3, 5, 20, {"a": NAN}, 3.0).stop == NO_GAIN


one = st.tuples(st.floats(0.05, 5), st.floats(0.01, 1))


@given(one, one, st.integers(3, 40), st.integers(3, 200))
def test_with_both_targets_it_goes_on_to_what_the_harder_one_needs(width, gain, n, most):
    alone = [look({"a": w}, target, n, most) for w, target in (width, gain)]
    both = look({"a": width[0]}, width[1], n, most, {"a": gain[0]}, gain[1])
    wanted = [each.next_trials for each in alone if each.stop != NARROW]
    if not wanted:
        assert both.stop == NARROW_BOTH
    elif n >= most:
        assert both.stop == ALL_TRIALS
    else:
        assert both.next_trials == max(wanted)


def stopped_by_gain(rng, target, most=400):
    """A study whose trials gain 5 and sd 2: its values at the stop, of 5 trials at least."""
    gains = rng.normal(5, 2, most)
    n = 5
    while n < most:
        at = mean_interval(gains[:n], STOPPED)
        following = look({}, None, n, most, {"a": at.high - at.low}, target).next_trials
        if following is None:
            break
        n = following
    return gains[:n]


def test_an_interval_of_the_gain_that_stopped_a_study_holds_95_percent():
    """At the level of fixed numbers of trials it would not."""
    rng = np.random.default_rng(20261128)
    held = {LEVEL: 0, STOPPED: 0}
    studies = 1000
    for number in range(studies):
        gains = stopped_by_gain(rng, target=(2.5, 4.0)[number % 2])
        for level in held:
            found = mean_interval(gains, level)
            held[level] += found.low <= 5 <= found.high
    # A true 95% is between 93.6 and 96.4 in 19 of 20 times.
    assert held[STOPPED] / studies > 0.95
    assert held[LEVEL] / studies < 0.945
