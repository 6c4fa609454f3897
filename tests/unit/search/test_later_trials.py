"""Where later trials look, and how their searches end."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewc_lambda.config.study_config import resolve
from ewc_lambda.search.by_config import decide_round, round_grid
from ewc_lambda.search.later_bracket import Found, found_by, later_bracket
from ewc_lambda.search.later_trials import FEW_LAMBDAS, is_later, steps_of
from ewc_lambda.search.rounds import ALL_DIVERGED, LAST_ROUND, width

INF = math.inf


def config(**changes):
    return resolve({"trials": 9, "first_trials": 2, "steps": 8, "later_steps": 6, **changes})


def decision(bracket=(1.0, 1e6), optimum=100.0, measure=1.0):
    return {
        "bracket": list(bracket),
        "lambdas": [bracket[0], optimum],
        "measures": [measure + 1, measure],
        "optimum_step": None if optimum is None else 1,
        "optimum": optimum,
    }


def alone(low, high, best):
    """Of two lambdas, through which no curve is fitted."""
    return Found((low, high), best, (low, best), (2.0, 1.0))


def parabola(at, low=0.0, high=6.0, flatter=1.0):
    """A first trial of lambdas a decade apart, whose measure is lowest at 10**at."""
    x = np.arange(low, high + 1)
    measures = 1 + flatter * (x - at) ** 2
    return Found((10**low, 10**high), float(10 ** x[measures.argmin()]), tuple(10**x), (*measures,))


def test_which_trials_are_later_and_how_many_steps_they_have():
    assert [is_later(config(), trial) for trial in range(4)] == [False, False, True, True]
    assert [steps_of(config(), trial) for trial in range(3)] == [8, 8, 6]
    assert not is_later(config(first_trials=None), 100)


def test_first_trials_say_their_best_of_all_rounds():
    rounds = [decision(optimum=100.0, measure=2.0), decision((10, 1000), 50.0, 1.0)]
    found = found_by(rounds)
    assert (found.drawn, found.best) == ((1.0, 1e6), 50.0)
    assert dict(zip(found.lambdas, found.measures, strict=True)) == {1: 3, 100: 2, 10: 2, 50: 1}
    assert found_by([decision(optimum=0.0)]).best == 0.0
    assert found_by([decision(optimum=None)]) is None


def test_a_step_that_diverged_is_null_in_its_decision():
    one = decision()
    one["measures"][0] = None
    assert found_by([one]).measures == (INF, 1.0)


@pytest.mark.parametrize(
    ("first", "middle", "half"),
    [
        # A quarter of six decades either way; the two agree.
        ([parabola(2), parabola(2)], 2, 1.5),
        # Two decades apart: a tenth of six decades beyond either.
        ([parabola(2), parabola(4)], 3, 1.6),
        # The mean curve is lowest near the steeper one, and both are held.
        ([parabola(2), parabola(4, flatter=1 / 3)], 2.5, 2.1),
    ],
)
def test_a_later_bracket_by_hand(first, middle, half):
    # The mean curve is looked at 400 times over its six decades.
    assert np.log10(later_bracket(first, "log")) == pytest.approx(
        [middle - half, middle + half], abs=6 / 400
    )


def test_without_a_curve_the_bracket_is_around_what_was_chosen():
    low, high = later_bracket([alone(1.0, 1e6, 10.0), alone(1.0, 1e6, 1000.0)], "log")
    assert (low, high) == pytest.approx((10**0.4, 10**3.6), rel=1e-9)
    # On a linear scale lambda ends at 0.
    assert later_bracket([alone(0.0, 10.0, 1.0)], "linear") == (0.0, 3.5)


def test_a_step_that_diverged_moves_no_bracket():
    usual = parabola(2)
    diverged = dataclasses.replace(usual, measures=(*usual.measures[:-1], INF))
    expected = later_bracket([usual, usual], "log")
    assert later_bracket([usual, diverged], "log") == pytest.approx(expected, rel=0.02)


@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(3.5, 9), st.floats(0, 1)), min_size=1),
    st.integers(2, 12),
    st.randoms(use_true_random=False),
    st.sampled_from(["log", "linear"]),
)
def test_a_later_bracket_holds_all_that_was_found(drawn, steps, noise, spacing):
    found = []
    for low, high, part in drawn:
        at = np.linspace(low, high, steps)
        best = low + part * (high - low)
        measures = [1 + (x - best) ** 2 + 0.1 * noise.random() for x in at]
        if spacing == "log":
            low, high, at = 10**low, 10**high, 10**at
        chosen = float(at[int(np.argmin(measures))])
        found.append(Found((low, high), chosen, (*at,), (*measures,)))
    low, high = later_bracket(found, spacing)
    assert low <= min(trial.best for trial in found) * (1 + 1e-9)
    assert max(trial.best for trial in found) <= high * (1 + 1e-9)
    mean = sum(width(trial.drawn, spacing) for trial in found) / len(found)
    if spacing == "log":
        assert width((low, high), spacing) >= 0.5 * mean * (1 - 1e-9)


def test_later_trials_have_one_grid_and_first_ones_draw_theirs():
    first = [[decision(optimum=10.0)], [decision(optimum=1000.0)]]
    bracket, lambdas = round_grid(config(), 2, None, first)
    assert bracket == later_bracket([found_by(rounds) for rounds in first], "log")
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
