"""Measures of lambdas with unequal numbers of replicates, against closed forms and hand
calculations.
"""

import math

import numpy as np
import pytest
from scipy import stats

from ewc_lambda.inference.best_lambda import (
    best_lambda,
    best_measures,
    indistinguishable,
)
from ewc_lambda.inference.curve_fit import curve_minimum
from ewc_lambda.inference.replicates import (
    best_column,
    comparable_means,
    complete,
    filled,
    paired_t,
    sums_t,
    trained,
    usable,
)
from ewc_lambda.inference.resolving import resolved

NAN, INF = math.nan, math.inf
# Two replicates of the second lambda, and the third one diverged at once.
TABLE = np.array(
    [
        [1.0, 3.0, INF, 2.0],
        [2.0, 6.0, 5.0, 2.5],
        [4.0, NAN, NAN, 4.5],
        [6.0, NAN, NAN, 7.0],
    ]
)


def drawn(rng, counts, replicates=10):
    """Normal measures with an offset of each replicate, correlated lambdas, and so many replicates
    at each.
    """
    measures = np.cumsum(rng.standard_normal((replicates, len(counts))), axis=1)
    measures += 5 * rng.standard_normal((replicates, 1))
    measures[np.arange(replicates)[:, None] >= np.asarray(counts)] = NAN
    return measures


def test_columns_are_counted_and_told_apart():
    assert trained(TABLE).tolist() == [4, 2, 2, 4]
    assert usable(TABLE).tolist() == [True, True, False, True]
    assert complete(TABLE).tolist() == [True, False, False, True]


def test_a_hole_is_refused():
    with pytest.raises(ValueError, match="stands before one that was"):
        trained(np.array([[NAN], [1.0]]))


def test_means_are_compared_over_the_replicates_that_lambdas_share():
    # The complete lambdas' means over replicates are 3.25 and 4; in the first two replicates the
    # second lambda was 1.5 and 3.75 above their average, which is 3.625 over all four.
    assert comparable_means(TABLE).tolist() == [3.25, 3.625 + (1.5 + 3.75) / 2, INF, 4.0]
    # Its own mean, 4.5, is between the two: of easy replicates only.
    assert best_column(TABLE) == 0
    assert best_column(np.full((3, 2), INF)) is None


def test_a_lambda_with_fewer_replicates_is_never_the_best():
    # The lowest of all, in the one replicate that it has, and everything else is worse.
    table = np.array([[5.0, 0.0], [6.0, NAN], [7.0, NAN]])
    assert best_column(table) == 0
    assert best_measures(table).tolist() == [5.0, 6.0, 7.0]


def test_equal_numbers_of_replicates_are_left_as_they_are():
    whole = TABLE[:, [0, 3]]
    assert filled(whole) is whole or np.array_equal(filled(whole), whole)
    t, freedom = sums_t(whole, lambda values: values @ np.array([[1.0], [-1.0]]))
    expected = stats.ttest_rel(whole[:, 0], whole[:, 1])
    assert t[0] == pytest.approx(expected.statistic)
    assert freedom == 3


def test_replicates_that_no_usable_lambda_has_are_left_out():
    assert len(filled(TABLE[:, [1]])) == 2


def test_paired_t_is_that_of_the_replicates_that_are_there():
    found, count = paired_t(TABLE[:, [1]] - TABLE[:, [0]])
    expected = stats.ttest_rel(TABLE[:2, 1], TABLE[:2, 0])
    assert found[0] == pytest.approx(expected.statistic)
    assert count.tolist() == [2]
    assert np.isnan(paired_t(np.array([[1.0], [NAN]]))[0]).all()


def test_the_variance_of_a_sum_with_two_blocks_by_hand():
    table = TABLE[:, [0, 1, 3]]
    weights = np.array([[1.0], [-3.0], [2.0]])
    t, freedom = sums_t(table, lambda values: values @ weights)
    level = (table[:, 0] + table[:, 2]) / 2
    # Replicates 0 and 1 have all three lambdas, the others the first and the last.
    later = [(table[r, 0] - level[r]) / 4 + (table[r, 2] - level[r]) / 2 for r in range(4)]
    first = [later_r - 3 * (table[r, 1] - level[r]) / 2 for r, later_r in enumerate(later[:2])]
    blocks = 2 * np.var(first, ddof=1), 2 * np.var(later, ddof=1)
    estimate = sum(later) - 3 * np.mean(table[:2, 1] - level[:2])
    assert t[0] == pytest.approx(estimate / math.sqrt(sum(blocks)))
    expected = (sum(blocks) / (blocks[0] + blocks[1] / math.sqrt(3))) ** 2
    assert freedom[0] == pytest.approx(expected)


@pytest.mark.parametrize("counts", [(10, 4, 10, 3), (3, 10, 3, 3), (10, 9, 6, 4)])
def test_the_variance_is_that_of_the_estimate(counts):
    rng = np.random.default_rng(5)
    weights = np.array([[0.5], [-1.0], [1.5], [-1.0]])
    means, errors, outside = [], [], 0
    for _ in range(3000):
        table = drawn(rng, counts)
        t, freedom = sums_t(table, lambda values: values @ weights)
        means.append((filled(table) @ weights).mean())
        errors.append(means[-1] / t[0])
        outside += abs(t[0]) > stats.t.ppf(0.975, freedom[0])
        assert 1.999 < freedom[0] <= 9
    # The standard error of a variance from 3,000 draws is 2.6%.
    assert np.mean(np.square(errors)) == pytest.approx(np.var(means), rel=0.1)
    # A true 5% is seen below 6.2% in 999 of 1,000 such tests.
    assert outside / 3000 < 0.062


def test_an_offset_of_a_replicate_changes_nothing():
    rng = np.random.default_rng(6)
    table = drawn(rng, (10, 4, 10, 3))
    moved = table + rng.standard_normal((10, 1))
    weights = np.array([[0.5], [-1.0], [1.5], [-1.0]])
    for one, other in zip(
        sums_t(table, lambda v: v @ weights), sums_t(moved, lambda v: v @ weights), strict=True
    ):
        np.testing.assert_allclose(one, other)


def test_the_curve_is_fitted_to_what_there_is():
    x = np.linspace(2.0, 8.0, 9)
    vertices = np.array([4.9, 5.0, 5.3, 5.2, 5.05, 4.95])
    whole = 0.6 + 0.05 * (x - vertices[:, None]) ** 2
    some = whole.copy()
    some[3:, [0, 1, 7, 8]] = NAN
    found, expected = curve_minimum(x, some, 6.0), curve_minimum(x, whole, 6.0)
    assert found.bounded_low
    assert found.bounded_high
    assert found.estimate == pytest.approx(expected.estimate, abs=0.1)
    assert found.high - found.low > expected.high - expected.low
    assert found.low < 5.07 < found.high


def test_statements_on_a_race():
    x = np.linspace(2.0, 8.0, 9)
    rng = np.random.default_rng(7)
    table = 0.6 + 0.05 * (x - rng.normal(5.0, 0.1, (8, 1))) ** 2 + rng.normal(0, 1, (8, 1))
    table[3:, [0, 8]] = NAN
    table[4:, [1, 7]] = NAN
    said = resolved(10**x, table)
    assert said.resolved
    # Three replicates at each end, tested at 5% among seven candidates.
    assert said.critical == pytest.approx(stats.t.ppf(1 - 0.05 / 7, 2))
    assert said.low_errors == pytest.approx(stats.ttest_rel(table[:3, 0], table[:3, 4]).statistic)
    best = best_lambda(10**x, table)
    assert (best.n_replicates, best.n_lambdas) == (8, 9)
    inside = indistinguishable(10**x, table).lambdas
    assert best.grid_best in inside
    worse = stats.ttest_rel(table[:4, 1], table[:4, 4]).pvalue / 2 < 0.05 / 8
    assert (10 ** x[1] in inside) is not worse
