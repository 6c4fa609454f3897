"""The search: narrowing always shrinks and stays inside, and every way to stop."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewc_lambda.search.rounds import (
    ALL_DIVERGED,
    LAST_ROUND,
    NARROW,
    decide,
    draw_bracket,
    grid,
    width,
)

NAN, INF = math.nan, math.inf


def choose(lambdas, measures, **changes):
    values = {
        "spacing": "linear",
        "threshold": 1e-9,
        "round_": 0,
        "max_rounds": 100,
        "expand_at_edge": False,
    }
    return decide(lambdas, measures, **{**values, **changes})


@st.composite
def searches(draw):
    """A spacing, a bracket and a number of steps."""
    spacing = draw(st.sampled_from(["linear", "log"]))
    if spacing == "linear":
        low = draw(st.one_of(st.just(0.0), st.floats(1e-3, 1e6)))
        high = low + draw(st.floats(1e-2, 1e6))
    else:
        low = 10 ** draw(st.floats(-8, 8))
        high = low * 10 ** draw(st.floats(0.1, 12))
    rounded = tuple(float(f"{end:.12g}") for end in (low, high))
    return spacing, rounded, draw(st.integers(4, 30))


measures_of_a_step = st.one_of(st.floats(-1e6, 1e6), st.just(NAN), st.just(INF))


@given(searches())
def test_grid_rises_from_end_to_end_in_even_steps(search):
    spacing, bracket, steps = search
    values = grid(bracket, steps, spacing)
    assert len(values) == steps
    assert (values[0], values[-1]) == bracket
    assert all(a < b for a, b in itertools.pairwise(values))
    scaled = np.log10(values) if spacing == "log" else np.array(values)
    even = np.diff(scaled)
    assert np.allclose(even, (scaled[-1] - scaled[0]) / (steps - 1), rtol=1e-3, atol=1e-9)


@given(searches(), st.data())
def test_narrowing_shrinks_by_a_third_at_least_and_stays_inside(search, data):
    spacing, bracket, steps = search
    first = bracket
    for round_ in range(4):
        values = grid(bracket, steps, spacing)
        measures = data.draw(st.lists(measures_of_a_step, min_size=steps, max_size=steps))
        decision = choose(values, measures, spacing=spacing, threshold=1e-3, round_=round_)
        if decision.bracket is None:
            return
        low, high = decision.bracket
        assert first[0] <= bracket[0] <= low < high <= bracket[1] <= first[1]
        assert {low, high} <= set(values)
        assert low <= values[decision.optimum] <= high
        # Two of at least three gaps are left.
        assert width((low, high), spacing) <= 0.667 * width(bracket, spacing) + 1e-9
        bracket = decision.bracket


@given(searches(), st.data())
def test_a_search_ends_within_its_rounds(search, data):
    spacing, bracket, steps = search
    rounds = 0
    while bracket is not None:
        values = grid(bracket, steps, spacing)
        measures = data.draw(st.lists(st.floats(-1, 1), min_size=steps, max_size=steps))
        decision = choose(
            values, measures, spacing=spacing, threshold=0.1, round_=rounds, max_rounds=6
        )
        bracket, rounds = decision.bracket, rounds + 1
    assert 1 <= rounds <= 6
    assert decision.stop in (NARROW, LAST_ROUND)


@given(st.lists(measures_of_a_step, min_size=4, max_size=30))
def test_the_optimum_is_the_lowest_of_the_finite_measures(measures):
    decision = choose([float(n) for n in range(len(measures))], measures)
    finite = [value for value in measures if math.isfinite(value)]
    if finite:
        assert measures[decision.optimum] == min(finite)
    else:
        assert decision == type(decision)(None, None, ALL_DIVERGED)


def test_the_next_bracket_is_the_two_neighbours_of_the_optimum():
    decision = choose([0, 1, 2, 3, 4], [5, 4, 1, 2, 3])
    assert (decision.optimum, decision.bracket, decision.stop) == (2, (1, 3), None)


@pytest.mark.parametrize(
    ("measures", "optimum", "bracket"),
    [([1, 2, 3, 4], 0, (10, 20)), ([4, 3, 2, 1], 3, (30, 40))],
)
def test_the_bracket_at_an_end_is_one_sided(measures, optimum, bracket):
    decision = choose([10, 20, 30, 40], measures)
    assert (decision.optimum, decision.bracket) == (optimum, bracket)


def test_the_first_of_equal_measures_is_taken():
    assert choose([0, 1, 2, 3], [2, 1, 1, 1]).optimum == 1


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_a_step_that_diverged_is_never_chosen_but_may_bound_the_bracket(bad):
    decision = choose([0, 1, 2, 3], [bad, 7, bad, 8])
    assert (decision.optimum, decision.bracket) == (1, (0, 2))


@pytest.mark.parametrize("expand", [False, True])
def test_a_round_in_which_all_diverged_ends_the_search(expand):
    decision = choose([0, 1, 2, 3], [NAN, INF, NAN, NAN], expand_at_edge=expand)
    assert (decision.optimum, decision.bracket) == (None, None)
    assert decision.stop == ALL_DIVERGED


def test_the_threshold_is_in_units_of_lambda_or_in_decades():
    values, measures = [1.0, 10.0, 100.0, 1000.0], [3, 1, 2, 4]
    # From 1 to 100: 99 units and two decades.
    assert choose(values, measures, threshold=99.0).stop is None
    assert choose(values, measures, threshold=99.1).stop == NARROW
    assert choose(values, measures, threshold=2.0, spacing="log").stop is None
    assert choose(values, measures, threshold=2.01, spacing="log").stop == NARROW


def test_the_last_round_ends_the_search_and_keeps_its_optimum():
    decision = choose([0, 1, 2, 3], [3, 1, 2, 4], round_=2, max_rounds=3)
    assert (decision.optimum, decision.bracket, decision.stop) == (1, None, LAST_ROUND)
    assert choose([0, 1, 2, 3], [3, 1, 2, 4], round_=1, max_rounds=3).stop is None


def test_expansion_moves_outwards_by_half_a_width():
    up = choose([10, 20, 30, 40], [4, 3, 2, 1], expand_at_edge=True)
    assert up.bracket == (25, 55)
    down = choose([100, 110, 120, 130], [1, 2, 3, 4], expand_at_edge=True)
    assert down.bracket == (85, 115)


def test_expansion_on_a_log_scale_keeps_the_width_in_decades():
    values = grid((1.0, 1e4), 5, "log")
    up = choose(values, [5, 4, 3, 2, 1], spacing="log", expand_at_edge=True)
    assert up.bracket == pytest.approx((1e2, 1e6))
    down = choose(values, [1, 2, 3, 4, 5], spacing="log", expand_at_edge=True)
    assert down.bracket == pytest.approx((1e-2, 1e2))


def test_expansion_leaves_an_inner_optimum_alone():
    assert choose([0, 1, 2, 3], [3, 1, 2, 4], expand_at_edge=True).bracket == (0, 2)


def test_expansion_does_not_make_lambda_negative():
    assert choose([5, 15, 25, 35], [1, 2, 3, 4], expand_at_edge=True).bracket == (0, 20)
    # At 0 there is nothing beyond: the bracket is one-sided.
    assert choose([0, 1, 2, 3], [1, 2, 3, 4], expand_at_edge=True).bracket == (0, 1)


@given(searches(), st.booleans())
def test_an_expanded_bracket_has_the_width_of_the_round_and_is_centred_on_its_end(search, low_end):
    spacing, bracket, steps = search
    values = grid(bracket, steps, spacing)
    measures = list(range(steps)) if low_end else list(range(steps, 0, -1))
    decision = choose(values, measures, spacing=spacing, expand_at_edge=True)
    low, high = decision.bracket
    assert low >= 0
    if spacing == "linear" and low == 0:
        return
    full = width(bracket, spacing)
    # Twelve digits of a bound are kept.
    assert width((low, high), spacing) == pytest.approx(full, rel=1e-3, abs=1e-4 * full)
    assert (low < bracket[0]) if low_end else (high > bracket[1])


def test_where_the_search_has_been_it_narrows_instead_of_going_back():
    """Two valleys that even grids see in turns: from 0 to 8 the end is best, from 4 to 12 the
    other end, beyond which the first round was.
    """
    first = grid((0.0, 8.0), 4, "linear")
    there = choose(first, [9, 8, 7, 5], expand_at_edge=True)
    assert there.bracket == (4, 12)
    second = grid(there.bracket, 4, "linear", first)
    back = choose(second, [1, 6, 6, 9], expand_at_edge=True, searched=first)
    assert back.bracket == pytest.approx((8 / 3, 16 / 3))
    assert set(back.bracket) <= set(first)


@given(searches(), st.integers(0, 2**32))
def test_no_bracket_is_searched_twice(search, seed):
    """Whatever the measure is, each lambda has one."""
    spacing, bracket, steps = search
    measure: dict[float, float] = {}
    rng, brackets = np.random.default_rng(seed), []
    for round_ in range(12):
        brackets.append(bracket)
        values = grid(bracket, steps, spacing, list(measure))
        for value in values:
            measure.setdefault(value, rng.random())
        searched = [value for value in measure if value not in values]
        found = choose(
            values,
            [measure[value] for value in values],
            spacing=spacing,
            threshold=1e-3 * width(brackets[0], spacing),
            round_=round_,
            expand_at_edge=True,
            searched=searched,
        )
        bracket = found.bracket
        if bracket is None or max(bracket) > 1e30 or 0 < min(bracket) < 1e-30:
            break
        # Twelve digits of a bound are kept.
        close = 1e-6 * width(bracket, spacing)
        scaled = np.log10 if spacing == "log" else np.asarray
        apart = np.abs(scaled(np.array(brackets)) - scaled(bracket)).max(axis=1)
        assert apart.min() > close


@given(searches(), st.data())
def test_lambdas_that_the_next_grid_meets_again_are_equal_to_the_bit(search, data):
    spacing, bracket, steps = search
    values = grid(bracket, steps, spacing)
    optimum = data.draw(st.integers(1, steps - 2))
    measures = [abs(n - optimum) for n in range(steps)]
    following = choose(values, measures, spacing=spacing).bracket
    assert following is not None
    again = grid(following, steps, spacing, values)
    assert again[0] == values[optimum - 1]
    assert again[-1] == values[optimum + 1]
    if steps % 2:
        # An odd grid has a middle, and that is the optimum of the round before.
        assert again[steps // 2] == values[optimum]


def test_only_what_rounding_parts_is_taken_for_a_known_value():
    known = [1.0, 2.0 * (1 + 1e-6), 3.0 * (1 + 1e-12), 5.0]
    assert grid((1.0, 5.0), 5, "linear", known) == [1.0, 2.0, 3.0 * (1 + 1e-12), 4.0, 5.0]


def test_a_linear_bracket_may_begin_at_zero():
    assert grid((0.0, 10.0), 5, "linear") == [0.0, 2.5, 5.0, 7.5, 10.0]
    assert grid((1.0, 1e4), 5, "log") == [1.0, 10.0, 100.0, 1000.0, 1e4]


@given(st.integers(0, 10_000), st.sampled_from(["linear", "log"]))
def test_a_drawn_bracket_lies_in_its_ranges(seed, spacing):
    low, high = draw_bracket([1, 10], [1e5, 1e6], spacing, np.random.default_rng(seed))
    assert 1 <= low <= 10
    assert 1e5 <= high <= 1e6


def test_bounds_are_drawn_uniformly_on_the_scale_of_the_search():
    generator = np.random.default_rng(0)
    # Half of the decades of (1, 10^4) lie below 100, but a hundredth of its length.
    log = [draw_bracket([1, 1e4], [1e5, 1e5], "log", generator)[0] < 100 for _ in range(2000)]
    linear = [draw_bracket([1, 1e4], [1e5, 1e5], "linear", generator)[0] < 100 for _ in range(2000)]
    assert np.mean(log) == pytest.approx(0.5, abs=0.05)
    assert np.mean(linear) == pytest.approx(0.01, abs=0.01)


def test_a_range_of_one_point_gives_that_point():
    assert draw_bracket([0, 0], [20, 20], "linear", np.random.default_rng(0)) == (0.0, 20.0)


def test_width_is_in_decades_or_in_lambda():
    assert width((10.0, 1000.0), "log") == pytest.approx(2)
    assert width((10.0, 1000.0), "linear") == 990
