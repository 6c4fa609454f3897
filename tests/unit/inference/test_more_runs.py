"""What more runs would give."""

import numpy as np
import pytest
from scipy.stats import t

from ewc_lambda.inference import best_lambda as paired
from ewc_lambda.inference import unpaired
from ewc_lambda.inference.more_runs import narrowed, times_to_resolve, trials_to_resolve
from ewc_lambda.inference.resolving import Resolved

NAN = float("nan")


@pytest.mark.parametrize("sd", [0.01, 0.02, 0.05, 0.1])
@pytest.mark.parametrize("method", [unpaired, paired])
def test_the_interval_of_twice_as_many_runs_is_about_as_wide_as_was_said(method, sd):
    """Median over 60 drawn sweeps of 10 runs, against sweeps of 20."""
    lambdas, rng = np.logspace(0, 6, 13), np.random.default_rng(4)
    said, came = [], []
    for _ in range(60):
        y = 1 + 0.1 * (np.log10(lambdas) - 3) ** 2 + sd * rng.standard_normal((20, 13))
        first, whole = (method.best_lambda(lambdas, y[:n]) for n in (10, 20))
        ends = first.low, first.high
        low, high = narrowed(first.estimate, ends, 10, 2.0, "log", 0.95, (1.0, 1e6))
        said.append(np.log10(high / low))
        came.append(np.log10(whole.high / whole.low))
    assert np.median(said) == pytest.approx(np.median(came), rel=0.15)


def test_on_a_linear_scale_distances_shrink_by_the_same_factor():
    low, high = narrowed(50.0, (40.0, 70.0), 1000, 4.0, "linear", 0.95)
    assert (low, high) == pytest.approx((45.0, 60.0), rel=2e-3)


def test_no_interval_has_nothing_to_narrow():
    assert np.isnan(narrowed(50.0, (NAN, NAN), 10, 2.0, "log", 0.95)).all()
    assert np.isnan(narrowed(50.0, (40.0, 60.0), 1, 2.0, "log", 0.95)).all()


@pytest.mark.parametrize(
    ("low", "high", "times"),
    [(5.0, 1.0, 4.0), (5.0, -0.1, np.inf), (NAN, NAN, NAN)],
)
def test_runs_to_resolve_grow_with_the_square_of_what_is_needed(low, high, times):
    said = Resolved(False, 1.0, 1.0, 1.0, low, high, 2.0, 0.95)
    np.testing.assert_equal(times_to_resolve(said), times)


def test_what_is_resolved_needs_no_more():
    assert times_to_resolve(Resolved(True, 1.0, 1.0, 1.0, 5.0, 5.0, 2.0, 0.95)) == 1.0


@pytest.mark.parametrize(("errors", "n"), [(0.5, 3), (1.5, 3), (1.9, 5), (0.2, 20)])
def test_as_many_trials_as_were_said_are_resolved_and_one_less_is_not(errors, n):
    """By the test of `study_resolved`, of differences whose mean and spread stay."""
    said = Resolved(False, 1.0, 1.0, 1.0, 5.0, errors, t.ppf(0.95, n - 1), 0.95)
    needed = trials_to_resolve(said, n)
    assert errors * np.sqrt(needed / n) >= t.ppf(0.95, needed - 1)
    assert errors * np.sqrt((needed - 1) / n) < t.ppf(0.95, needed - 2)


@pytest.mark.parametrize(("errors", "needed"), [(-0.1, np.inf), (0.0, np.inf), (NAN, NAN)])
def test_no_number_of_trials_resolves_an_end_that_is_as_low(errors, needed):
    said = Resolved(False, 1.0, 1.0, 1.0, errors, errors, 2.0, 0.95)
    np.testing.assert_equal(trials_to_resolve(said, 4), needed)
