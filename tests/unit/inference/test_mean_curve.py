"""The lambda to use, tolerance and regret: closed forms of parabolas, and simulated studies."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_curves import GRID, X, draw, parabolas
from scipy import stats

from ewc_lambda.inference.curve_fit import Pieces, Spline
from ewc_lambda.inference.mean_curve import (
    APART,
    FLAT,
    NOT_POSITIVE,
    UNFIT,
    fitted_curves,
    lambda_to_use,
    tolerance,
)
from ewc_lambda.inference.new_network import predicted_best, trials_needed
from ewc_lambda.inference.regret import cost_of_factor, regret, regret_over_lambda

ENDS = (GRID[0], GRID[-1])


def curves(tables, grids=None, **options):
    grids = grids or [GRID] * len(tables)
    return fitted_curves(grids, tables, [(g[0], g[-1]) for g in grids], **options)


def of_vertices(vertices):
    """A trial for each vertex: 0.6 + 0.05 (x - vertex)^2, two equal replicates."""
    return curves([parabolas([v, v]) for v in vertices])


class TestLambdaToUse:
    def test_of_equal_parabolas_it_is_the_t_interval_of_the_vertices(self):
        vertices = np.array([4.9, 5.0, 5.3, 5.2, 5.05])
        found = lambda_to_use(of_vertices(vertices))
        low, high = stats.t.interval(0.95, 4, vertices.mean(), stats.sem(vertices))
        assert np.log10(found.estimate) == pytest.approx(vertices.mean(), abs=0.01)
        assert np.log10([found.low, found.high]) == pytest.approx([low, high], abs=1e-3)
        assert (found.open_low, found.open_high, found.reason) == (False, False, "")

    def test_steep_trials_weigh_more_than_in_the_mean_of_the_minima(self):
        tables = [parabolas([4.0, 4.0]), parabolas([6.0, 6.0], curvature=0.15)]
        # 0.05 (x - 4)^2 + 0.15 (x - 6)^2 is lowest at 5.5.
        assert np.log10(lambda_to_use(curves(tables)).estimate) == pytest.approx(5.5, abs=0.01)

    def test_on_a_linear_scale(self):
        at = np.linspace(0.0, 8.0, 9)
        tables = [parabolas([v, v], at) for v in (3.0, 3.2, 3.4)]
        found = lambda_to_use(curves(tables, [at] * 3, spacing="linear"))
        low, high = stats.t.interval(0.95, 2, 3.2, 0.2 / np.sqrt(3))
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)

    def test_only_where_all_trials_searched(self):
        narrow = 10.0 ** np.linspace(4, 6, 9)
        tables = [parabolas([5.0, 5.0]), parabolas([5.0, 5.0], np.log10(narrow))]
        found = curves(tables, [GRID, narrow])
        assert (found.x[0], found.x[-1]) == pytest.approx((4, 6))

    def test_lowest_at_an_end_of_the_search_there_is_none(self):
        found = lambda_to_use(of_vertices([1.0, 1.2, 1.1]))
        assert math.isnan(found.estimate)
        assert "lowest at the lower end of what all trials searched" in found.reason

    def test_lowest_next_to_what_diverged_there_is_one(self):
        tables = [parabolas([9.0 + v, 9.0 + v]) for v in (0.0, 0.1, 0.2)]
        tables[0][0, -1] = np.inf
        found = lambda_to_use(curves(tables))
        assert found.estimate == pytest.approx(GRID[-2])
        assert not found.open_high

    def test_reasons(self):
        one = lambda_to_use(of_vertices([5.0]))
        assert (one.reason, np.log10(one.estimate)) == (
            "one trial only",
            pytest.approx(5, abs=0.02),
        )
        few = parabolas([5.0, 5.1])
        few[:, 2:] = np.inf
        assert lambda_to_use(curves([few, few])).reason == UNFIT

    def test_rounding_errors_have_no_minimum(self):
        tables = [10.0 + v + np.zeros((2, len(GRID))) for v in (0.0, 0.1, 0.2)]
        found = lambda_to_use(curves(tables))
        assert found.reason == FLAT
        assert np.isnan([found.estimate, found.low, found.high]).all()

    def test_trials_of_other_lambdas(self):
        tables = [parabolas([5.0, 5.0], X), parabolas([15.0, 15.0], X + 10)]
        assert lambda_to_use(curves(tables, [GRID, 1e10 * GRID])).reason == APART

    @pytest.mark.parametrize("trials", [4, 8])
    def test_coverage(self, trials):
        rng = np.random.default_rng(51)
        held = []
        for _ in range(500):
            at = 5.2 + 0.3 * rng.standard_normal(trials)
            found = lambda_to_use(curves([draw(rng, 3, 0.1, 0.005, centre=c) for c in at]))
            above = found.low <= 10.0**5.2 or found.open_low
            held.append(above and (found.high >= 10.0**5.2 or found.open_high))
        assert 0.92 <= np.mean(held) <= 0.98


class TestTolerance:
    def test_of_a_parabola(self):
        found = tolerance(of_vertices([5.0, 5.0]), 0.1)
        # 0.05 d^2 = 0.06.
        expected = 5 + np.sqrt(1.2) * np.array([-1, 1])
        assert np.log10([found.low, found.high]) == pytest.approx(expected, abs=1e-3)

    def test_an_end_of_the_search_is_open(self):
        found = tolerance(of_vertices([2.5, 2.5]), 0.1)
        assert (found.open_low, found.open_high) == (True, False)
        assert found.low == pytest.approx(GRID[0])

    def test_a_measure_that_is_not_positive_has_no_shares(self):
        table = parabolas([5.0, 5.1]) - 1
        assert "not positive" in tolerance(curves([table, table]), 0.1).reason
        assert "not positive" in regret(curves([table] * 3)).reason
        assert regret_over_lambda(curves([table] * 3)).lambdas.size == 0


class TestRegret:
    def test_each_trial_pays_for_what_the_others_choose(self):
        vertices = np.array([4.0, 5.0, 6.0])
        found = regret(of_vertices(vertices))
        others = (vertices.sum() - vertices) / 2
        shares = 0.05 * (others - vertices) ** 2 / 0.6
        assert found.shares == pytest.approx(shares, abs=2e-3)
        most = 2 * shares.mean() / stats.chi2.ppf(0.025, 2)
        assert found.most == pytest.approx(most, rel=0.02)

    def test_two_trials_are_too_few(self):
        assert regret(of_vertices([5.0, 5.2])).reason == "2 trials, 3 are needed"

    def test_over_lambda_and_off_by_a_factor(self):
        found = regret_over_lambda(of_vertices([4.9, 5.1]))
        at = np.log10(found.lambdas)
        expected = 0.05 * ((at - 4.9) ** 2 + (at - 5.1) ** 2) / 2 / 0.6
        assert found.mean == pytest.approx(expected, abs=1e-3)
        assert cost_of_factor(found, 1e5, 10) == pytest.approx(0.05 / 0.6, abs=1e-3)
        assert math.isnan(cost_of_factor(found, 1e5, 1e4))

    def test_the_upper_bound_holds(self):
        """Parabolas 0.05 (x - v)^2 with v of sd 0.4: the lambda that T trials find loses
        0.05 * 0.16 * (1 + 1 / T) / 0.6 in the mean.
        """
        rng, trials, held = np.random.default_rng(52), 5, []
        expected = 0.05 * 0.16 * (1 + 1 / trials) / 0.6
        for _ in range(500):
            found = regret(of_vertices(5 + 0.4 * rng.standard_normal(trials)))
            held.append(found.most >= expected)
        assert np.mean(held) >= 0.95


class TestNewNetwork:
    def test_the_prediction_interval_is_students(self):
        found = predicted_best([1e4, 1e5, 1e6])
        half = stats.t.ppf(0.975, 2) * np.sqrt(4 / 3)
        assert np.log10([found.low, found.high]) == pytest.approx([5 - half, 5 + half])

    def test_it_holds_a_new_trials_own_best(self):
        rng = np.random.default_rng(53)
        held = []
        for _ in range(2000):
            *known, new = 10.0 ** (3 + 0.4 * rng.standard_normal(6))
            found = predicted_best(known)
            held.append(found.low <= new <= found.high)
        assert 0.94 <= np.mean(held) <= 0.96

    def test_reasons(self):
        assert predicted_best([10.0]).reason == "one trial only"
        assert predicted_best([]).reason == "no trial"
        assert predicted_best([10.0, np.nan]).reason == "1 of 2 trials without a best lambda"

    def test_trials_for_half_the_width(self):
        def factor(n):
            return stats.t.ppf(0.975, n - 1) / np.sqrt(n)

        for n in (2, 5, 20):
            m = trials_needed(n, 0.5)
            assert factor(m) <= factor(n) / 2 < factor(m - 1)
        assert trials_needed(1, 0.5) is None


def test_straight_pieces_are_those_of_linear_interpolation():
    rng = np.random.default_rng(3)
    for count in (2, 3, 7):
        x = np.sort(rng.uniform(0, 6, count))
        y = rng.uniform(1, 2, (3, count))
        at = np.linspace(x[0], x[-1], 50)[1:-1]
        pieces = Pieces(x)
        np.testing.assert_allclose(pieces(y, at), [np.interp(at, x, row) for row in y])
        small = 1e-7
        rise = (pieces(y, at + small) - pieces(y, at - small)) / (2 * small)
        away = np.abs(at[:, None] - x).min(axis=1) > 2 * small
        np.testing.assert_allclose(pieces(y, at, slope=1)[:, away], rise[:, away], rtol=1e-4)


def test_a_curve_of_positive_measures_is_positive_however_rough_they_are():
    """As measured: 10 epochs of a convolutional network, one replicate, lambdas far apart."""
    lambdas = 10.0 ** np.linspace(0.9, 6.1, 9)
    rough = np.array([[12.2, 6.6, 10.6, 4.4, 10.4, 1.6, 0.93, 0.42, 0.48]])
    curves = fitted_curves([lambdas] * 2, [rough, rough[:, ::-1]], [(lambdas[0], lambdas[-1])] * 2)
    assert (curves.lowest > 0).all()
    assert (curves.values > 0).all()
    spline = Spline(np.log10(lambdas), 5.2)
    assert spline(rough, np.linspace(0.9, 6.1, 401)).min() < 0, "the case is none"


def test_a_trial_that_gains_little_does_not_end_the_range_of_all_at_its_own_minimum():
    lambdas = np.geomspace(0.01, 100, 9)
    x = np.log10(lambdas)
    usual = [1 + (x - centre) ** 2 for centre in (-0.2, 0.1, 0.3)]
    # Flat as far as its own minimum at the low end, and then a tenth of the others' rise.
    little = 1 + 0.1 * np.maximum(x - 1.4, 0)
    curves = fitted_curves([lambdas] * 4, [m[None] for m in (*usual, little)], [(0.01, 100)] * 4)
    assert (curves.x[0], curves.x[-1]) == pytest.approx((-2, 2))
    assert curves.open_high
    # What is out of proportion for all is still left out.
    diverging = np.where(x > 1.4, 1e6, 1 + x**2)
    curves = fitted_curves([lambdas] * 4, [m[None] for m in (*usual, diverging)], [(0.01, 100)] * 4)
    assert curves.x[-1] < 1.5
    assert not curves.open_high


class TestShares:
    """Curves of the logarithm: what a lambda costs, as a share of the trial's own best."""

    def logarithmic(self, vertices, scales=None):
        """A trial for each vertex, scale * exp(0.05 (x - vertex)^2), two equal replicates."""
        scales = np.ones(len(vertices)) if scales is None else scales
        return [
            scale * np.exp(parabolas([v, v], curvature=0.05) - 0.6)
            for v, scale in zip(vertices, scales, strict=True)
        ]

    def test_it_is_the_t_interval_of_the_vertices_whatever_their_scales(self):
        vertices = np.array([4.9, 5.0, 5.3, 5.2, 5.05])
        low, high = stats.t.interval(0.95, 4, vertices.mean(), stats.sem(vertices))
        for scales in (np.ones(5), np.array([1.0, 100.0, 0.1, 3.0, 1e4])):
            found = lambda_to_use(curves(self.logarithmic(vertices, scales), shares=True))
            assert np.log10([found.low, found.high]) == pytest.approx([low, high], abs=1e-3)
            assert np.log10(found.estimate) == pytest.approx(vertices.mean(), abs=0.01)

    @given(st.integers(0, 2**31))
    def test_costs_are_those_of_the_measures_themselves(self, seed):
        rng = np.random.default_rng(seed)
        trials = int(rng.integers(3, 9))
        vertices, scales = rng.uniform(4, 6, trials), 10 ** rng.uniform(-2, 2, trials)
        found = curves(self.logarithmic(vertices, scales), shares=True)
        # By hand: a trial loses exp(0.05 d^2) - 1 at a distance d from its vertex.
        loses = np.expm1(0.05 * (found.x[None] - vertices[:, None]) ** 2)
        over = regret_over_lambda(found)
        np.testing.assert_allclose(over.mean, loses.mean(axis=0), rtol=1e-2, atol=1e-4)
        others = (vertices.sum() - vertices) / (trials - 1)
        expected = np.expm1(0.05 * (others - vertices) ** 2)
        np.testing.assert_allclose(regret(found).shares, expected, rtol=0.05, atol=2e-4)

    def test_tolerance_is_a_share_of_the_geometric_mean(self):
        found = tolerance(curves(self.logarithmic([5.0, 5.0, 5.0]), shares=True), 0.05)
        half = np.sqrt(np.log(1.05) / 0.05)
        assert np.log10([found.low, found.high]) == pytest.approx([5 - half, 5 + half], abs=2e-3)

    def test_a_measure_that_is_not_positive_has_none(self):
        tables = self.logarithmic([5.0, 5.1, 5.2])
        tables[1][:, 3] = 0.0
        assert lambda_to_use(curves(tables, shares=True)).reason == NOT_POSITIVE
        assert regret(curves(tables, shares=True)).reason == NOT_POSITIVE
        assert tolerance(curves(tables, shares=True), 0.1).reason == NOT_POSITIVE

    def test_a_base_model_of_large_measures_does_not_lead(self):
        usual, large = self.logarithmic([5.0] * 4), self.logarithmic([6.0], [1000.0])
        assert lambda_to_use(curves(usual + large)).estimate > 10**5.9
        found = lambda_to_use(curves(usual + large, shares=True))
        assert np.log10(found.estimate) == pytest.approx(5.2, abs=0.01)
