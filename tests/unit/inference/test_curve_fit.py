"""The fit of a curve and Student's t against closed forms."""

import numpy as np
import pytest
from made_up_curves import X, parabolas
from scipy import stats

from ewc_lambda.inference.curve_fit import curve_minimum, fit_window, spline_basis, spline_sites
from ewc_lambda.inference.student import one_sample_t


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
