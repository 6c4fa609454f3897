"""Base models far off the others, and mean curves with two valleys."""

import numpy as np
import pytest

from ewc_lambda.inference.mean_curve import fitted_curves
from ewc_lambda.inference.oddities import far_off, two_valleys

X = np.linspace(0, 8, 17)
GRID = 10.0**X


def drawn(curve, trials=8, noise=0.02, seed=0):
    rng = np.random.default_rng(seed)
    tables = [
        curve(X)[None] * (1 + noise * rng.standard_normal((3, len(X)))) for _ in range(trials)
    ]
    return fitted_curves([GRID] * trials, tables, [(GRID[0], GRID[-1])] * trials)


def well(x):
    return 1 + 0.1 * (x - 4) ** 2


def wells(x):
    return 1 + 0.05 * (np.abs(x - 4) - 2) ** 2 * np.maximum(1, np.abs(x - 4))


def test_grubbs_table():
    """Critical values of his table 1 (two-sided 5%): 1.715 of 5, 2.215 of 9, 2.709 of 20."""
    for n, critical in ((5, 1.715), (9, 2.215), (20, 2.709)):
        for off, said in ((0.999, None), (1.001, n - 1)):
            # n - 1 values around 0, and one that many standard deviations of all from the mean.
            others = np.linspace(-1, 1, n - 1)
            low, high = 1.0, 100.0
            for _ in range(200):
                middle = (low + high) / 2
                x = np.r_[others, middle]
                if (middle - x.mean()) / x.std(ddof=1) < critical * off:
                    low = middle
                else:
                    high = middle
            assert far_off(np.r_[others, low], "linear") == said, (n, off)


def test_of_normal_ones_few_are_far_off():
    rng = np.random.default_rng(1)
    said = [far_off(10 ** rng.normal(2, 0.3, 9)) is not None for _ in range(4000)]
    assert np.mean(said) == pytest.approx(0.05, abs=0.011)


@pytest.mark.parametrize(
    "estimates", [[], [1.0, 1.0, 1.0, 1e9], [5.0] * 9, [np.nan] * 9, [1.0, np.nan, 2.0, 3.0, 1e8]]
)
def test_nobody_is_far_off_few_or_equal_ones(estimates):
    assert far_off(estimates) is None


def test_a_trial_is_named_by_its_place_among_all():
    assert far_off([np.nan, 10.0, 11.0, 9.0, 10.5, 1e4, 9.5]) == 5
    assert far_off([10.0, 11.0, 9.0, 10.5, 1e-3, 9.5]) == 4


def test_two_valleys_are_named():
    low, high = two_valleys(drawn(wells))
    assert np.log10(low) == pytest.approx(2, abs=0.3)
    assert np.log10(high) == pytest.approx(6, abs=0.3)


@pytest.mark.parametrize("seed", range(5))
def test_one_valley_is_not_two(seed):
    assert two_valleys(drawn(well, seed=seed, noise=0.05)) is None


def test_a_second_valley_that_is_clearly_higher_is_none():
    assert two_valleys(drawn(lambda x: wells(x) + 0.1 * (x > 4))) is None


def test_two_trials_say_nothing_of_valleys():
    assert two_valleys(drawn(wells, trials=2)) is None
