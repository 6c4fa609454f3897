"""Beside a flat end the spline dips below the floor: the interval is that of the lambdas."""

import numpy as np
import pytest

from ewc_lambda.inference.best_lambda import best_lambda
from ewc_lambda.inference.convexity import around_the_lowest, borne_out


def floor_then_rise(x):
    """Level up to x = 0.3, then an ever steeper rise: any lambda of the floor is a best one."""
    return 1 + 0.4 * np.maximum(x - 0.3, 0) ** 2


def test_a_convex_curve_can_have_its_minimum_between_two_lambdas():
    x = np.arange(-3.0, 5.0)
    at = 0.4
    assert borne_out(x, (x - at) ** 2, at, 0.0)


def test_a_dip_below_a_level_stretch_is_not_borne_out():
    x = np.arange(-3.0, 5.0)
    means = floor_then_rise(x)
    assert not borne_out(x, means, 0.4, 0.99)
    assert borne_out(x, means, 0.4, 1.0)
    assert not borne_out(x, means[::-1], 1.6, 0.99)


def test_the_lambdas_not_higher_beyond_doubt_hang_together_with_the_lowest():
    x = np.arange(6.0)
    offset = np.array([[0.0], [0.1], [0.2]])
    values = np.array([5.0, 1.0, 1.0, 1.0, 4.0, 1.0]) + offset
    found = around_the_lowest(x, values, 0.95)
    assert (found.low, found.high) == (0.0, 4.0)
    assert found.bounded_low
    assert found.bounded_high
    assert not around_the_lowest(x[1:], values[:, 1:], 0.95).bounded_low


@pytest.mark.parametrize("steps", [8, 10, 25])
@pytest.mark.parametrize(("shift", "noise"), [(0.02, 0.0), (0.05, 0.001), (0.1, 0.005)])
def test_the_interval_holds_the_lowest_lambda_and_some_of_the_floor(steps, shift, noise):
    rng = np.random.default_rng(41)
    lowest, floor, close = [], [], 1 + 1e-9
    for _ in range(100):
        x = np.linspace(rng.uniform(-2.5, -1), rng.uniform(3, 4.5), steps)
        y = floor_then_rise(x - shift * rng.standard_normal((6, 1)))
        y = y + 0.1 * rng.standard_normal((6, 1)) + noise * rng.standard_normal(y.shape)
        found = best_lambda(10.0**x, y)
        lowest.append(found.low / close <= found.grid_best <= found.high * close)
        floor.append(found.low <= 10.0**0.3)
    # Without `borne_out` it held the lowest lambda in 0 to 90% of such studies.
    assert np.mean(lowest) >= 0.95
    assert np.mean(floor) >= 0.95
