"""Statements about runs that have seeds of their own."""

import numpy as np
import pytest
from scipy import stats

from ewc_lambda.inference import best_lambda as paired
from ewc_lambda.inference import unpaired

LAMBDAS = np.logspace(0, 6, 13)
X = np.log10(LAMBDAS)
NAN = np.nan


def drawn(seed=0, fewest=5, most=20, sd=0.1, centre=3.0):
    """Runs about a parabola, unequal numbers of them, noisier at high lambdas."""
    rng = np.random.default_rng(seed)
    y = 1 + 0.1 * (X - centre) ** 2 + sd * np.geomspace(1, 3, 13) * rng.standard_normal((most, 13))
    return np.where(np.arange(most)[:, None] < rng.integers(fewest, most + 1, 13), y, NAN)


def column(values, lam):
    return values[~np.isnan(values[:, lam]), lam]


def test_a_difference_of_two_means_is_welchs_t():
    y = drawn()
    t, freedom = unpaired.welch_t(y, lambda values: values[:, 2:3] - values[:, 9:10])
    known = stats.ttest_ind(column(y, 2), column(y, 9), equal_var=False)
    np.testing.assert_allclose(t[0], known.statistic)
    np.testing.assert_allclose(freedom[0], known.df)


def test_runs_that_agree_exactly_are_no_error():
    y = np.array([[1.0, 2.0], [1.0, 2.0]])
    t, _ = unpaired.welch_t(y, lambda values: np.c_[values[:, 1] - values[:, 0], 0 * values[:, 0]])
    assert t.tolist() == [np.inf, 0.0]


def test_the_order_of_runs_and_of_lambdas_says_nothing():
    y = drawn()
    other = y.copy()
    rng = np.random.default_rng(1)
    for lam in range(13):
        n = len(column(y, lam))
        other[:n, lam] = rng.permutation(y[:n, lam])
    order = rng.permutation(13)
    first = unpaired.best_lambda(LAMBDAS, y)
    second = unpaired.best_lambda(LAMBDAS[order], other[:, order])
    np.testing.assert_allclose(
        [first.estimate, first.low, first.high], [second.estimate, second.low, second.high]
    )


@pytest.mark.parametrize(("fewest", "most", "sd"), [(5, 5, 0.05), (5, 20, 0.1), (10, 10, 0.2)])
def test_an_interval_holds_the_truth_in_nineteen_of_twenty_sweeps(fewest, most, sd):
    """200 sweeps: a true 95% lies between 181 and 198 in all but a few of a thousand such tests.
    benchmarks/sweep_coverage.py measures it.
    """
    held = 0
    for seed in range(200):
        found = unpaired.best_lambda(LAMBDAS, drawn(seed, fewest, most, sd))
        above = found.low <= 1e3 or not found.bounded_low
        held += above and (found.high >= 1e3 or not found.bounded_high)
    assert 181 <= held <= 198


def test_more_runs_narrow_the_interval():
    few, many = (unpaired.best_lambda(LAMBDAS, drawn(3, n, n)) for n in (5, 80))
    assert np.log(many.high / many.low) < 0.5 * np.log(few.high / few.low)


def test_a_lambda_with_one_run_is_left_out_where_others_have_more():
    y = drawn()
    y[1:, 6], y[0, 6] = NAN, -100.0
    found = unpaired.best_lambda(LAMBDAS, y)
    assert found.n_lambdas == 12
    assert found.grid_best != LAMBDAS[6]
    assert LAMBDAS[6] not in unpaired.indistinguishable(LAMBDAS, y).lambdas


def test_one_run_for_each_lambda_says_nothing_of_its_error():
    y = drawn()[:1]
    best = unpaired.best_lambda(LAMBDAS, y)
    assert np.isfinite(best.estimate)
    assert np.isnan([best.low, best.high]).all()
    for found in (best, unpaired.indistinguishable(LAMBDAS, y), unpaired.resolved(LAMBDAS, y)):
        assert found.reason == unpaired.ONE_RUN


def test_a_lambda_at_which_a_run_diverged_is_left_out():
    y = drawn()
    y[0, 5] = np.inf
    assert unpaired.best_lambda(LAMBDAS, y).n_lambdas == 12
    everywhere = np.full((2, 13), np.inf)
    for statement in (unpaired.best_lambda, unpaired.indistinguishable, unpaired.resolved):
        assert statement(LAMBDAS, everywhere).reason == unpaired.NOTHING_FINITE


def test_the_same_measure_everywhere_has_no_minimum():
    found = unpaired.best_lambda(LAMBDAS, np.ones((4, 13)))
    assert np.isnan(found.estimate)
    assert found.reason == "the measure is the same at every lambda"


def test_two_lambdas_are_too_few():
    found = unpaired.best_lambda(LAMBDAS[:2], drawn()[:, :2])
    assert found.reason == "2 usable lambdas, 3 are needed"
    assert np.isnan(found.estimate)
    assert unpaired.resolved(LAMBDAS[:2], drawn()[:, :2]).reason == "2 lambdas, 3 are needed"


def test_a_curve_that_falls_to_an_end_is_open_there_and_says_so():
    found = unpaired.best_lambda(LAMBDAS, drawn(sd=0.01, centre=9.0))
    assert found.end == "high"
    assert not found.bounded_high


def test_the_set_is_that_of_all_welch_tests():
    y = drawn(sd=0.3)
    found = unpaired.indistinguishable(LAMBDAS, y)
    kept = []
    for lam in range(13):
        worse = [
            stats.ttest_ind(
                column(y, lam), column(y, other), equal_var=False, alternative="greater"
            ).pvalue
            < 0.05 / 12
            for other in range(13)
            if other != lam
        ]
        if not any(worse):
            kept.append(LAMBDAS[lam])
    assert 1 < len(kept) < 13
    assert found.lambdas == tuple(kept)


def test_resolved_is_welchs_test_of_both_ends():
    y = drawn()
    found = unpaired.resolved(LAMBDAS, y)
    best = int(np.nanmean(y, axis=0).argmin())
    for end, errors in ((0, found.low_errors), (12, found.high_errors)):
        known = stats.ttest_ind(column(y, end), column(y, best), equal_var=False)
        np.testing.assert_allclose(errors, known.statistic)
    assert found.resolved
    assert not unpaired.resolved(LAMBDAS, drawn(centre=0.0)).resolved


def test_an_end_is_judged_by_the_runs_that_did_not_diverge():
    y = drawn()
    y[0, 12] = np.inf
    found = unpaired.resolved(LAMBDAS, y)
    assert np.isfinite(found.high_errors)
    y[:, 12] = np.inf
    assert unpaired.resolved(LAMBDAS, y).high_errors == np.inf
    y[:, 12] = np.r_[1.0, np.full(19, np.inf)]
    assert "fewer than two finite runs" in unpaired.resolved(LAMBDAS, y).reason


def test_pairs_tell_more_than_runs_of_their_own_where_offsets_are_shared():
    y = drawn(2, 8, 8, 0.02) + np.random.default_rng(5).standard_normal((8, 1))
    pairs, own = paired.best_lambda(LAMBDAS, y), unpaired.best_lambda(LAMBDAS, y)
    assert np.log(pairs.high / pairs.low) < 0.2 * np.log(own.high / own.low)


@pytest.mark.parametrize(
    ("lambdas", "measures"),
    [([1, 2], [[1.0]]), ([1, 1], [[1.0, 2.0]]), ([1, np.inf], [[1.0, 2.0]]), ([1.0], [1.0])],
)
def test_shapes_and_lambdas_that_do_not_fit_are_refused(lambdas, measures):
    with pytest.raises(ValueError, match="lambdas"):
        unpaired.best_lambda(lambdas, measures)
