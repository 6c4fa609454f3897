"""The scale of lambda need not be known: first brackets around best lambdas from 1e-3 to 1e9."""

import dataclasses

import numpy as np
import pytest
import scales
from hypothesis import given
from hypothesis import strategies as st
from in_process import run

from ewc_lambda.search.by_config import round_grid
from ewc_lambda.search.scout import LAMBDAS, ranges

SEARCH = {"low_range": "auto", "high_range": "auto", "spacing": "log", "steps": 9}


def expected_loss(lambdas, best, old, new):
    """Of two means of samples with variance 1 that a penalty weighs against each other: the
    variance of (new w_2 + r old w_1) / (new + r old), least where r = lambda / best is 1.
    """
    r = np.asarray(lambdas) / best
    return (new + r**2 * old) / (new + r * old) ** 2


@given(
    st.floats(-3, 9),
    st.floats(0.25, 4),
    st.one_of(st.none(), st.floats(1.5, 6)),
    st.integers(0, 2**32 - 1),
)
def test_a_bracket_holds_the_best_at_any_scale(at, ratio, stable, seed):
    best = 10**at
    measures = expected_loss(LAMBDAS, best, ratio, 1)
    if stable is not None:
        # Plain descent diverges where the penalty is stiffer than its learning rate allows.
        measures = np.where(np.array(LAMBDAS) > best * 10**stable, np.nan, measures)
    found = ranges(LAMBDAS, measures)
    config = {**SEARCH, "seed": seed, "trials": 1, "first_trials": None}
    (low, high), lambdas = round_grid(config, 0, scout=found)
    assert low < best < high
    # Nor is it a bracket of everything: nine lambdas are at most a decade and a half apart.
    assert np.diff(np.log10(lambdas)).max() <= 1.5


@pytest.mark.parametrize("kind", scales.REGRESSIONS, ids=lambda kind: kind.name)
def test_a_scout_that_trains_finds_the_scale(tmp_path, kind):
    files = scales.files_of(kind, tmp_path)
    run(files, kinds=("data", "base_model", "first_task", "scout"))
    scout = files.scout(kind.importance)
    (low, high), _ = round_grid(files.config, 0, scout=scout)
    assert low < kind.best < high
    assert high / low <= 1e10


def test_units_of_the_targets_move_the_best_and_nothing_else():
    small, middle, large = scales.REGRESSIONS[:3]
    np.testing.assert_allclose([small.best, middle.best, large.best], [1e-3, 1e3, 1e9])
    assert small.case == middle.case == large.case
    assert dataclasses.replace(small, targets=1.0).best == small.case.bayes_lambda
