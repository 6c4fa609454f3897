"""Statistics against closed forms, hand calculations and simulated studies."""

import math

import numpy as np
import pytest
from scipy import stats

from ewc_lambda import statistics as st
from ewc_lambda import study_statistics as study
from ewc_lambda.curve_fit import curve_minimum, fit_window, spline_basis, spline_sites
from ewc_lambda.student import one_sample_t

X = np.linspace(2.0, 8.0, 9)
GRID = 10.0**X


def parabolas(vertices, x=X, curvature=0.05):
    """Replicates (R, S) with their own vertex each and the same curvature."""
    return 0.6 + curvature * (x[None] - np.asarray(vertices)[:, None]) ** 2


def draw(rng, replicates, shift, rough, x=X, centre=5.2):
    shifts = centre + shift * rng.standard_normal(replicates)
    shared = rng.standard_normal((replicates, 1))
    return parabolas(shifts, x) + shared + rough * rng.standard_normal((replicates, len(x)))


class TestCurveFit:
    def test_t_is_that_of_scipy(self):
        values = np.random.default_rng(1).normal(1.0, 2.0, (7, 4))
        expected = stats.ttest_1samp(values, 0.0, axis=0).statistic
        np.testing.assert_allclose(one_sample_t(values), expected)

    def test_t_without_variance(self):
        values = np.array([[0.0, 0.3, -0.3]] * 3)
        np.testing.assert_array_equal(one_sample_t(values), [0.0, np.inf, -np.inf])

    def test_coarse_grid_keeps_its_points_and_fine_one_is_thinned(self):
        coarse = np.array([0.0, 1.0, 2.0, 3.0])
        np.testing.assert_allclose(spline_sites(coarse, 0.5), coarse)
        fine = np.linspace(0.0, 3.0, 31)
        np.testing.assert_allclose(spline_sites(fine, 0.5), np.linspace(0.0, 3.0, 7))

    @pytest.mark.parametrize("n", range(3, 12))
    def test_basis_reproduces_polynomials(self, n):
        sites = np.sort(np.random.default_rng(n).uniform(0.0, 5.0, n))
        degree = min(5, n - 1)
        basis = spline_basis(sites)
        values = sites**degree
        assert basis(sites).shape == (n, n)
        coefficients = np.linalg.solve(basis(sites), values)
        at = np.linspace(sites[0], sites[-1], 20)
        np.testing.assert_allclose(basis(at) @ coefficients, at**degree, rtol=1e-6, atol=1e-6)

    def test_parabolas_give_the_t_interval_of_their_vertices(self):
        # With one curvature, the slope at x0 is proportional to x0 - vertex: the inverted test is
        # Student's interval of the vertices.
        vertices = np.array([4.9, 5.0, 5.3, 5.2, 5.05])
        found = curve_minimum(X, parabolas(vertices), span=6.0)
        low, high = stats.t.interval(0.95, 4, vertices.mean(), stats.sem(vertices))
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
        assert found.estimate == pytest.approx(vertices.mean(), abs=0.01)
        assert found.bounded_low
        assert found.bounded_high

    def test_value_just_before_divergence_does_not_bend_the_minimum(self):
        vertices = np.array([4.9, 5.0, 5.3, 5.2, 5.05])
        clean, wild = parabolas(vertices), parabolas(vertices)
        wild[:, -1] = 1e6
        there, here = curve_minimum(X, clean, 6.0), curve_minimum(X, wild, 6.0)
        assert (here.low, here.high) == pytest.approx((there.low, there.high), abs=1e-4)

    def test_crowd_of_later_rounds_does_not_narrow_the_fit(self):
        x = np.sort(np.r_[X, np.linspace(4.9, 5.3, 40)])
        kept = fit_window(x, parabolas([5.1], x)[0])
        assert (kept.start, kept.stop) == (0, len(x))


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
        assert math.isnan(found.low)

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
        found = st.resolved(GRID, values)
        assert found.resolved
        difference = values[:, 0] - values[:, 4]
        assert found.low_difference == pytest.approx(difference.mean())
        assert found.low_errors == pytest.approx(difference.mean() / stats.sem(difference))
        assert found.critical == pytest.approx(stats.t.ppf(1 - 0.05 / 7, 3))

    def test_minimum_at_an_end(self):
        found = st.resolved(GRID, parabolas([1.0, 1.1, 0.9, 1.0]))
        assert not found.resolved
        assert found.low_errors == 0

    def test_diverged_end_is_worse(self):
        values = parabolas([4.9, 5.0, 5.3, 5.2])
        values[:, -1] = np.inf
        found = st.resolved(GRID, values)
        assert found.resolved
        assert found.high_errors == math.inf

    def test_partly_diverged_end_is_judged_by_the_others(self):
        values = parabolas([4.9, 5.0, 5.3, 5.2])
        values[0, -1] = np.inf
        found = st.resolved(GRID, values)
        difference = values[1:, -1] - values[1:, 4]
        assert found.resolved
        assert found.high_errors == pytest.approx(difference.mean() / stats.sem(difference))
        assert found.critical == pytest.approx(stats.t.ppf(1 - 0.05 / 7, 2))

    def test_end_with_one_replicate_left_is_not_judged(self):
        values = parabolas([4.9, 5.0, 5.3])
        values[:2, -1] = np.inf
        found = st.resolved(GRID, values)
        assert not found.resolved
        assert "all replicates but one" in found.reason

    @pytest.mark.parametrize("tilted", [0.0, 0.5])
    def test_flat_or_with_one_end_as_low_as_any(self, tilted):
        rng = np.random.default_rng(9)
        mean = tilted * np.maximum(X - 5.0, 0.0)
        said = [
            st.resolved(GRID, mean + 0.1 * rng.standard_normal((4, 9))).resolved
            for _ in range(1000)
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
        found = st.resolved(GRID, values)
        assert not found.resolved
        assert reason in found.reason

    def test_two_lambdas(self):
        assert "3 are needed" in st.resolved([1.0, 2.0], np.ones((3, 2))).reason


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


class TestAcrossTrials:
    def test_geometric_mean(self):
        found = study.study_best_lambda([1e4, 1e5, 1e6])
        half = stats.t.ppf(0.975, 2) / np.sqrt(3)
        assert found.estimate == pytest.approx(1e5)
        assert np.log10(found.high) == pytest.approx(5 + half)
        assert study.study_best_lambda([1.0, 3.0], "linear").estimate == 2.0

    def test_one_trial(self):
        found = study.study_best_lambda([1e4])
        assert found.estimate == pytest.approx(1e4)
        assert found.reason == "one trial only"
        assert math.isnan(found.low)

    def test_trial_without_estimate(self):
        assert study.study_best_lambda([1e4, np.nan]).reason.startswith("1 of 2 trials")

    def test_no_trial(self):
        assert study.study_best_lambda([]).reason == "no trial"

    def test_step_of_the_other_trials(self):
        grids = [10.0 ** np.arange(1.0, 8.0)] * 4
        tables = [parabolas([v], np.arange(1.0, 8.0)) for v in (3.0, 4.0, 4.0, 6.0)]
        # The others' means: 14/3, 13/3, 13/3 and 11/3 decades.
        assert study.other_trials_steps(grids, tables) == (4, 3, 3, 3)
        assert study.other_trials_steps(grids[:1], tables[:1]) == (-1,)

    def test_single_replicates_resolve_across_trials(self):
        rng = np.random.default_rng(11)
        tables = [draw(rng, 1, 0.1, 0.05) for _ in range(6)]
        found = study.study_resolved([GRID] * 6, tables)
        assert found.resolved
        assert found.critical == pytest.approx(stats.t.ppf(0.95, 5))
        gain = study.study_gain([GRID] * 6, tables, tables, [t[:, 0] for t in tables])
        assert gain.low > 0
        assert gain.n == 6

    def test_replicated_trials_use_their_own_lambda(self):
        tables = [parabolas([4.99, 5.0, 5.01]), parabolas([6.49, 6.5, 6.51])]
        lines = [np.full(3, 2.0), np.full(3, 2.2)]
        found = study.study_gain([GRID] * 2, tables, tables, lines)
        own = [st.gain(t, line).estimate for t, line in zip(tables, lines, strict=True)]
        assert found.estimate == pytest.approx(np.mean(own))

    def test_one_trial_is_resolved_by_its_replicates(self):
        values = parabolas([4.9, 5.0, 5.3, 5.2])
        assert study.study_resolved([GRID], [values]) == st.resolved(GRID, values)

    def test_flat(self):
        rng = np.random.default_rng(12)
        said = [
            study.study_resolved([GRID] * 4, list(rng.standard_normal((4, 1, 9)))).resolved
            for _ in range(500)
        ]
        assert np.mean(said) <= 0.05

    def test_diverged_end_and_diverged_trial(self):
        tables = [parabolas([v, v]) for v in (5.0, 5.1, 5.2)]
        tables[0][:, -1] = np.inf
        assert study.study_resolved([GRID] * 3, tables).resolved
        tables[1][:] = np.inf
        assert "1 of 3 trials" in study.study_resolved([GRID] * 3, tables).reason


class TestComparison:
    def test_two_are_a_paired_t_test(self):
        rng = np.random.default_rng(13)
        a, b = rng.normal(0.0, 1.0, 6), rng.normal(0.4, 1.0, 6)
        (pair,) = study.rank_importances({"b": b, "a": a}).differences
        sign = 1 if pair.first == "a" else -1
        bounds = stats.ttest_rel(a, b).confidence_interval(0.95)
        low, high = sorted((sign * bounds.low, sign * bounds.high))
        assert (pair.low, pair.high) == pytest.approx((low, high))

    def test_ties_are_ties(self):
        shared = np.array([0.0, 1.0, 2.0, 4.0])
        noise = np.array([0.01, -0.01, 0.02, -0.02])
        found = study.rank_importances(
            {"bad": shared + 5 + noise, "one": shared, "two": shared + 0.001 + noise}
        )
        assert found.names == ("one", "two", "bad")
        assert found.rank_low == (1, 1, 3)
        assert found.rank_high == (2, 2, 3)
        assert found.tied_with_best == ("one", "two")

    def test_one_trial(self):
        found = study.rank_importances({"a": [1.0], "b": [2.0]})
        assert found.reason == "one trial only"
        assert found.rank_high == (2, 2)
        assert not found.differences[0].distinct
        assert math.isnan(found.differences[0].low)

    def test_diverged_one_is_last_and_named(self):
        found = study.rank_importances({"a": [np.nan, 1.0], "b": [2.0, 2.1]})
        assert found.names == ("b", "a")
        assert found.reason == "no finite measure in every trial: a"

    def test_lengths(self):
        with pytest.raises(ValueError, match="one length"):
            study.rank_importances({"a": [1.0], "b": [2.0, 3.0]})
        with pytest.raises(ValueError, match="one length"):
            study.rank_importances({})


class TestVarianceRatio:
    def test_scaled_noise(self):
        rng = np.random.default_rng(14)
        noise = rng.standard_normal((8, 6))
        found = study.variance_ratio(3 * noise + 1, noise)
        assert found.estimate == pytest.approx(9.0)
        assert found.low < 9 < found.high

    def test_coverage(self):
        rng = np.random.default_rng(15)
        held = []
        for _ in range(400):
            found = study.variance_ratio(
                2 * rng.standard_normal((8, 5)), rng.standard_normal((8, 5))
            )
            held.append(found.low <= 4 <= found.high)
        assert np.mean(held) >= 0.92

    @pytest.mark.parametrize(
        ("apart", "common", "reason"),
        [
            (np.eye(2), np.eye(2), "2 replicates"),
            (np.full((3, 3), np.inf), np.eye(3), "fewer than 2 lambdas"),
            (np.ones((3, 3)), np.eye(3), "do not vary"),
        ],
    )
    def test_nothing_can_be_said(self, apart, common, reason):
        assert reason in study.variance_ratio(apart, common).reason

    def test_grids_differ(self):
        with pytest.raises(ValueError, match="one grid"):
            study.variance_ratio(np.ones((3, 3)), np.ones((3, 4)))


def test_a_measure_that_no_lambda_changes_has_no_best_lambda():
    lambdas = np.geomspace(1, 1e6, 9)
    level = np.random.default_rng(1).normal(5, 1, (6, 1))
    measures = level * (1 + 1e-15 * np.arange(9))
    found = st.best_lambda(lambdas, measures)
    assert found.reason == "the measure is the same at every lambda"
    assert np.isnan([found.estimate, found.low, found.high]).all()
    assert not st.resolved(lambdas, measures).resolved


def test_the_variance_ratio_of_neighbours_sees_neighbours_only():
    rng = np.random.default_rng(1)
    # Random walks: neighbours differ by one step, the ends of the grid by many.
    common = rng.normal(size=(200, 12)).cumsum(axis=1)
    independent = rng.normal(0, 3, (200, 12))
    near = study.variance_ratio(independent, common, neighbours=True)
    every = study.variance_ratio(independent, common)
    assert near.low < 18 < near.high
    # Of a pair at distance d: 18 / d; the mean of its log over all 66 pairs.
    distances = [b - a for a in range(12) for b in range(a + 1, 12)]
    expected = 18 / np.exp(np.mean(np.log(distances)))
    assert every.low < expected < every.high
