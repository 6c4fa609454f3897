"""Statistics of one trial against closed forms, hand calculations and simulated studies."""

import math

import numpy as np
import pytest
from made_up_curves import GRID, X, draw, parabolas
from scipy import stats

from ewc_lambda.inference import best_lambda as st
from ewc_lambda.inference.resolving import resolved


class TestBestLambda:
    def test_log_scale(self):
        vertices = np.array([4.9, 5.0, 5.3, 5.2, 5.05])
        found = st.best_lambda(GRID, parabolas(vertices))
        low, high = stats.t.interval(0.95, 4, vertices.mean(), stats.sem(vertices))
        assert np.log10([found.low, found.high]) == pytest.approx([low, high], abs=1e-4)
        assert found.grid_best == pytest.approx(10.0**5)
        assert found.reason == ""
        assert found.n_replicates == 5
        assert found.n_lambdas == 9

    def test_linear_scale_with_zero(self):
        at = np.linspace(0.0, 8.0, 9)
        found = st.best_lambda(at, parabolas([3.0, 3.2, 3.4], at), "linear")
        low, high = stats.t.interval(0.95, 2, 3.2, 0.2 / np.sqrt(3))
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)

    def test_zero_has_no_place_on_a_log_scale(self):
        with pytest.raises(ValueError, match="not positive"):
            st.best_lambda([0.0, 1.0, 2.0], np.ones((2, 3)))

    def test_unknown_spacing(self):
        with pytest.raises(ValueError, match="log, linear"):
            st.best_lambda(GRID, parabolas([5.0, 5.1]), "ln")

    @pytest.mark.parametrize(
        ("at", "shape"), [([1.0, 2.0], (3, 3)), ([1.0, 2.0], (2,)), ([], (3, 0)), ([1.0], (0, 1))]
    )
    def test_shapes(self, at, shape):
        with pytest.raises(ValueError, match="are needed"):
            st.best_lambda(at, np.ones(shape))

    def test_order_and_duplicates_do_not_matter(self):
        rng = np.random.default_rng(2)
        values = draw(rng, 5, 0.2, 0.01)
        plain = st.best_lambda(GRID, values)
        order = rng.permutation(9)
        again = np.r_[order, order[:2]]
        twisted = st.best_lambda(GRID[again] * (1 + 1e-15), values[:, again])
        assert twisted.low == pytest.approx(plain.low)
        assert twisted.high == pytest.approx(plain.high)

    def test_shared_offsets_change_nothing(self):
        values = draw(np.random.default_rng(3), 5, 0.2, 0.01)
        offsets = np.arange(5.0)[:, None]
        assert st.best_lambda(GRID, values + offsets).low == pytest.approx(
            st.best_lambda(GRID, values).low, rel=1e-6
        )

    def test_minimum_beyond_the_grid_is_open(self):
        found = st.best_lambda(GRID, parabolas([9.0, 9.2, 9.1, 9.3]))
        assert found.estimate == pytest.approx(GRID[-1])
        assert not found.bounded_high
        assert found.high == pytest.approx(GRID[-1])
        assert found.bounded_low

    def test_flat_noise_is_not_bounded(self):
        values = np.random.default_rng(4).standard_normal((4, 9))
        found = st.best_lambda(GRID, values)
        assert not (found.bounded_low and found.bounded_high)

    def test_one_replicate_has_no_interval(self):
        found = st.best_lambda(GRID, parabolas([5.0]))
        assert found.estimate == pytest.approx(10.0**5, rel=0.05)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert found.reason == "one replicate only"

    def test_diverged_steps_are_left_out(self):
        values = parabolas([4.9, 5.0, 5.3, 5.2])
        values[0, -1], values[2, -2] = np.inf, np.inf
        found = st.best_lambda(GRID, values, first_grid=(GRID[0], GRID[-1]))
        assert found.n_lambdas == 7
        assert found.bounded_high

    def test_two_usable_lambdas(self):
        values = parabolas([4.9, 5.0, 5.3])
        values[:, 2:] = np.inf
        found = st.best_lambda(GRID, values)
        assert found.reason == "2 usable lambdas, 3 are needed"
        assert np.isnan([found.estimate, found.low, found.high]).all()
        assert found.grid_best == pytest.approx(GRID[1])

    def test_all_diverged(self):
        found = st.best_lambda(GRID, np.full((3, 9), np.inf))
        assert "no lambda" in found.reason
        assert math.isnan(found.estimate)
        assert math.isnan(found.grid_best)

    @pytest.mark.parametrize("design", [(3, 0.2, 0.01), (5, 0.05, 0.03), (8, 0.3, 0.02)])
    def test_coverage(self, design):
        rng = np.random.default_rng(5)
        held = []
        for _ in range(1000):
            found = st.best_lambda(GRID, draw(rng, *design))
            above = found.low <= 10.0**5.2 or not found.bounded_low
            held.append(above and (found.high >= 10.0**5.2 or not found.bounded_high))
        assert 0.93 <= np.mean(held) <= 0.97


class TestSet:
    def test_two_lambdas_are_a_t_test(self):
        values = np.random.default_rng(6).normal([0.0, 1.0], 0.5, (6, 2))
        p = stats.ttest_rel(values[:, 1], values[:, 0], alternative="greater").pvalue
        inside = st.indistinguishable([1.0, 10.0], values, level=1 - 1.01 * p).lambdas
        outside = st.indistinguishable([1.0, 10.0], values, level=1 - 0.99 * p).lambdas
        assert inside == (1.0,)
        assert outside == (1.0, 10.0)

    def test_sharp_valley(self):
        found = st.indistinguishable(GRID, parabolas([5.0, 5.001, 4.999]))
        assert found.lambdas == (found.grid_best,)

    def test_diverged_lambda_is_not_in(self):
        values = np.random.default_rng(7).standard_normal((5, 9))
        values[1, 3] = np.inf
        assert GRID[3] not in st.indistinguishable(GRID, values).lambdas

    def test_one_replicate(self):
        found = st.indistinguishable(GRID, parabolas([5.0]))
        assert found.lambdas == ()
        assert found.reason == "one replicate only"

    def test_true_best_stays(self):
        rng = np.random.default_rng(8)
        best = GRID[np.abs(X - 5.2).argmin()]
        sets = [st.indistinguishable(GRID, draw(rng, 4, 0.3, 0.05)).lambdas for _ in range(1000)]
        assert np.mean([best in held for held in sets]) >= 0.95


class TestResolved:
    def test_clear_minimum(self):
        values = parabolas([4.9, 5.0, 5.3, 5.2])
        found = resolved(GRID, values)
        assert found.resolved
        difference = values[:, 0] - values[:, 4]
        assert found.low_difference == pytest.approx(difference.mean())
        assert found.low_errors == pytest.approx(difference.mean() / stats.sem(difference))
        assert found.critical == pytest.approx(stats.t.ppf(1 - 0.05 / 7, 3))

    def test_minimum_at_an_end(self):
        found = resolved(GRID, parabolas([1.0, 1.1, 0.9, 1.0]))
        assert not found.resolved
        assert found.low_errors == 0

    def test_diverged_end_is_worse(self):
        values = parabolas([4.9, 5.0, 5.3, 5.2])
        values[:, -1] = np.inf
        found = resolved(GRID, values)
        assert found.resolved
        assert found.high_errors == math.inf

    def test_partly_diverged_end_is_judged_by_the_others(self):
        values = parabolas([4.9, 5.0, 5.3, 5.2])
        values[0, -1] = np.inf
        found = resolved(GRID, values)
        difference = values[1:, -1] - values[1:, 4]
        assert found.resolved
        assert found.high_errors == pytest.approx(difference.mean() / stats.sem(difference))
        assert found.critical == pytest.approx(stats.t.ppf(1 - 0.05 / 7, 2))

    def test_end_with_one_replicate_left_is_not_judged(self):
        values = parabolas([4.9, 5.0, 5.3])
        values[:2, -1] = np.inf
        found = resolved(GRID, values)
        assert not found.resolved
        assert "all replicates but one" in found.reason

    @pytest.mark.parametrize("tilted", [0.0, 0.5])
    def test_flat_or_with_one_end_as_low_as_any(self, tilted):
        rng = np.random.default_rng(9)
        mean = tilted * np.maximum(X - 5.0, 0.0)
        said = [
            resolved(GRID, mean + 0.1 * rng.standard_normal((4, 9))).resolved for _ in range(1000)
        ]
        assert np.mean(said) <= 0.05

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            (np.ones((1, 9)), "one replicate only"),
            (np.full((3, 9), np.inf), "no lambda"),
        ],
    )
    def test_nothing_can_be_said(self, values, reason):
        found = resolved(GRID, values)
        assert not found.resolved
        assert reason in found.reason

    def test_two_lambdas(self):
        assert "3 are needed" in resolved([1.0, 2.0], np.ones((3, 2))).reason


class TestGain:
    def test_selection_leaves_the_replicate_out(self):
        values = np.array([[1.0, 0.0, 5.0], [1.0, 4.0, 5.0], [1.0, 4.0, 0.0]])
        # Sums of the others: (2, 8, 5), (2, 4, 5), (2, 4, 10).
        np.testing.assert_array_equal(st.best_measures(values), [1.0, 1.0, 1.0])
        values[1, 1] = -4.0
        # Sums of the others: (2, 0, 5), (2, 4, 5), (2, -4, 10).
        np.testing.assert_array_equal(st.best_measures(values), [0.0, 1.0, 4.0])

    def test_interval_is_that_of_the_paired_differences(self):
        values = parabolas([5.0, 5.01, 4.99]) + np.array([[0.1], [0.2], [0.4]])
        line = np.array([2.0, 2.3, 2.2])
        found = st.gain(values, line)
        difference = line - values[:, 4]
        bounds = stats.t.interval(0.95, 2, difference.mean(), stats.sem(difference))
        assert (found.low, found.high) == pytest.approx(bounds)
        away = st.distance(values, line)
        assert (away.estimate, away.low, away.high) == pytest.approx(
            (-found.estimate, -found.high, -found.low)
        )

    def test_no_gain_is_invented_on_a_flat_curve(self):
        rng = np.random.default_rng(10)
        gains = [
            st.gain(rng.standard_normal((4, 20)), rng.standard_normal(4)).estimate
            for _ in range(2000)
        ]
        assert abs(np.mean(gains)) < 3 * stats.sem(gains)

    def test_one_replicate_and_divergence(self):
        assert st.gain(np.ones((1, 3)), [2.0]).reason == "one replicate only"
        found = st.gain(np.ones((3, 3)), [2.0, np.nan, 1.0])
        assert found.reason == "1 of 3 replicates without a finite value"
        assert math.isnan(found.low)
        assert "3 of 3" in st.gain(np.full((3, 3), np.inf), np.ones(3)).reason

    def test_shapes(self):
        with pytest.raises(ValueError, match="reference of shape"):
            st.gain(np.ones((3, 3)), np.ones(2))
        with pytest.raises(ValueError, match="shape"):
            st.best_measures(np.ones(3))


def test_a_measure_that_no_lambda_changes_has_no_best_lambda():
    lambdas = np.geomspace(1, 1e6, 9)
    level = np.random.default_rng(1).normal(5, 1, (6, 1))
    measures = level * (1 + 1e-15 * np.arange(9))
    found = st.best_lambda(lambdas, measures)
    assert found.reason == "the measure is the same at every lambda"
    assert np.isnan([found.estimate, found.low, found.high]).all()
    assert not resolved(lambdas, measures).resolved
