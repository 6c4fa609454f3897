"""Statistics of several trials against closed forms, hand calculations and simulated studies."""

import math

import numpy as np
import pytest
from made_up_curves import GRID, draw, parabolas
from scipy import stats

from ewc_lambda.inference import across_trials as study
from ewc_lambda.inference import best_lambda as st
from ewc_lambda.inference.resolving import resolved
from ewc_lambda.inference.variance_ratio import variance_ratio


class TestAcrossTrials:
    def test_a_linear_interval_ends_where_lambda_does(self):
        found = study.study_best_lambda([0.0, 0.0, 4.5], "linear")
        assert found.low == 0
        assert found.high == pytest.approx(1.5 + stats.t.ppf(0.975, 2) * 1.5)
        missing = study.study_best_lambda([1.0], "linear")
        assert np.isnan(missing.low)

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
        assert study.study_resolved([GRID], [values]) == resolved(GRID, values)

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
        found = variance_ratio(3 * noise + 1, noise)
        assert found.estimate == pytest.approx(9.0)
        assert found.low < 9 < found.high

    def test_coverage(self):
        rng = np.random.default_rng(15)
        held = []
        for _ in range(400):
            found = variance_ratio(2 * rng.standard_normal((8, 5)), rng.standard_normal((8, 5)))
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
        assert reason in variance_ratio(apart, common).reason

    def test_grids_differ(self):
        with pytest.raises(ValueError, match="one grid"):
            variance_ratio(np.ones((3, 3)), np.ones((3, 4)))


def test_the_variance_ratio_of_neighbours_sees_neighbours_only():
    rng = np.random.default_rng(1)
    # Random walks: neighbours differ by one step, the ends of the grid by many.
    common = rng.normal(size=(200, 12)).cumsum(axis=1)
    independent = rng.normal(0, 3, (200, 12))
    near = variance_ratio(independent, common, neighbours=True)
    every = variance_ratio(independent, common)
    assert near.low < 18 < near.high
    # Of a pair at distance d: 18 / d; the mean of its log over all 66 pairs.
    distances = [b - a for a in range(12) for b in range(a + 1, 12)]
    expected = 18 / np.exp(np.mean(np.log(distances)))
    assert every.low < expected < every.high
