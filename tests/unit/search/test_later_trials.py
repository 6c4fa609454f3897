"""Where later trials look, and how their searches end."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewc_lambda.config.study_config import resolve
from ewc_lambda.search.by_config import decide_round, round_grid
from ewc_lambda.search.later_trials import (
    FEW_LAMBDAS,
    found_by,
    is_later,
    later_bracket,
    steps_of,
)
from ewc_lambda.search.rounds import ALL_DIVERGED, LAST_ROUND, width

INF = math.inf


def config(**changes):
    return resolve({"trials": 9, "first_trials": 2, "steps": 8, "later_steps": 6, **changes})


def decision(bracket=(1.0, 1e6), optimum=100.0, measure=1.0):
    return {
        "bracket": list(bracket),
        "measures": [measure + 1, measure],
        "optimum_step": None if optimum is None else 1,
        "optimum": optimum,
    }


def test_which_trials_are_later_and_how_many_steps_they_have():
    assert [is_later(config(), trial) for trial in range(4)] == [False, False, True, True]
    assert [steps_of(config(), trial) for trial in range(3)] == [8, 8, 6]
    assert not is_later(config(first_trials=None), 100)


def test_first_trials_say_their_best_of_all_rounds():
    rounds = [decision(optimum=100.0, measure=2.0), decision((10, 1000), 50.0, 1.0)]
    assert found_by(rounds) == ((1.0, 1e6), 50.0)
    assert found_by([decision(optimum=0.0)]) == ((1.0, 1e6), 0.0)
    assert found_by([decision(optimum=None)]) is None


def test_a_later_bracket_by_hand():
    # Half of 0.4 of six decades; the two agree.
    low, high = later_bracket([((1.0, 1e6), 100.0), ((1.0, 1e6), 100.0)], "log")
    assert (low, high) == pytest.approx((10**0.8, 10**3.2), rel=1e-9)
    # Two decades apart: a tenth of six decades beyond either.
    low, high = later_bracket([((1.0, 1e6), 10.0), ((1.0, 1e6), 1000.0)], "log")
    assert (low, high) == pytest.approx((10**0.4, 10**3.6), rel=1e-9)
    # On a linear scale lambda ends at 0.
    assert later_bracket([((0.0, 10.0), 1.0)], "linear") == (0.0, 3.0)


@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(3.5, 9), st.floats(0, 1)), min_size=1),
    st.sampled_from(["log", "linear"]),
)
def test_a_later_bracket_holds_all_that_was_found(drawn, spacing):
    found = []
    for low, high, part in drawn:
        at = low + part * (high - low)
        if spacing == "log":
            low, high, at = 10**low, 10**high, 10**at
        found.append(((low, high), at))
    low, high = later_bracket(found, spacing)
    assert low <= min(at for _, at in found)
    assert max(at for _, at in found) <= high
    mean = sum(width(bracket, spacing) for bracket, _ in found) / len(found)
    if spacing == "log":
        assert width((low, high), spacing) >= 0.4 * mean * (1 - 1e-9)


def test_later_trials_have_one_grid_and_first_ones_draw_theirs():
    first = [[decision(optimum=10.0)], [decision(optimum=1000.0)]]
    bracket, lambdas = round_grid(config(), 2, None, first)
    assert bracket == later_bracket([((1.0, 1e6), 10.0), ((1.0, 1e6), 1000.0)], "log")
    assert len(lambdas) == 6
    assert (lambdas[0], lambdas[-1]) == bracket
    assert round_grid(config(), 8, None, first) == (bracket, lambdas)
    assert round_grid(config(), 0) != round_grid(config(), 1)
    assert len(round_grid(config(), 0)[1]) == 8


def test_a_later_trial_draws_where_the_first_ones_diverged_throughout():
    diverged = [[decision(optimum=None)]] * 2
    drawn = round_grid(config(first_trials=None, steps=6), 2)
    assert round_grid(config(), 2, None, diverged) == drawn


def decided(measures, round_=0, **changes):
    lambdas = [10.0 ** (2 + 0.5 * i) for i in range(len(measures))]
    return decide_round(config(**changes), {"trial": 5, "round": round_}, lambdas, measures)


def test_one_round_is_enough_where_the_minimum_is_inside():
    found = decided([3, 1, 2, 3, 4, 5])
    assert (found.optimum, found.bracket, found.stop) == (1, None, FEW_LAMBDAS)


@pytest.mark.parametrize(
    ("measures", "middle"), [([1, 2, 3, 4, 5, 6], 2), ([6, 5, 4, 3, 2, 1], 4.5)]
)
def test_beyond_an_end_it_goes_once(measures, middle):
    found = decided(measures)
    low, high = found.bracket
    assert found.stop is None
    assert math.log10(low * high) / 2 == pytest.approx(middle)
    assert width(found.bracket, "log") == pytest.approx(2.5)
    assert decided(measures, round_=1).stop == FEW_LAMBDAS
    assert decided(measures, max_rounds=1).stop == LAST_ROUND


def test_divergence():
    assert decided([INF] * 6).stop == ALL_DIVERGED
    assert decided([INF, INF, 1, 2, 3, INF]).optimum == 2
