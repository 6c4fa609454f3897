"""What variances of several trials say of one another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import polygamma

from ewc_lambda.inference.moderated import NO_PRIOR, Prior, _inverse_trigamma, prior_of
from ewc_lambda.inference.resolving import resolved, resolved_trials

LAMBDAS = 10.0 ** np.arange(9)


def drawn(seed, replicates, noise=0.1, height=1.0):
    """A valley whose ends are higher by ``height``, with noise of its own at each lambda."""
    rng = np.random.default_rng(seed)
    valley = height * np.linspace(-1, 1, 9) ** 2
    return 1 + valley + noise * rng.standard_normal((replicates, 9))


@pytest.mark.parametrize(("freedom", "own"), [(4.0, 1), (4.0, 5), (20.0, 2), (1.5, 7)])
def test_the_prior_of_many_drawn_variances_is_what_they_were_drawn_from(freedom, own):
    rng = np.random.default_rng(1)
    true = 2.5 * freedom / rng.chisquare(freedom, 200_000)
    found = prior_of(true * rng.chisquare(own, len(true)) / own, own)
    assert found.variance == pytest.approx(2.5, rel=0.05)
    assert found.freedom == pytest.approx(freedom, rel=0.1)


def test_variances_that_differ_by_chance_alone_have_one_prior_of_any_weight():
    rng = np.random.default_rng(2)
    found = prior_of(3.0 * rng.chisquare(4, 100_000) / 4, 4)
    assert found.variance == pytest.approx(3.0, rel=0.02)
    assert found.freedom > 500
    assert prior_of([2.0, 2.0, 2.0], 3).moderate(50.0, 3) == (
        prior_of([2.0] * 3, 3).variance,
        np.inf,
    )


def test_a_moderated_variance_is_the_mean_weighted_by_degrees_of_freedom():
    assert Prior(2.0, 6.0).moderate(5.0, 3) == (pytest.approx(3.0), 9.0)
    assert NO_PRIOR.moderate(5.0, 3) == (5.0, 3.0)


@pytest.mark.parametrize(
    "variances", [[], [1.0, 2.0], [1.0, 2.0, np.nan], [1.0, 0.0, 2.0], [np.nan] * 5]
)
def test_few_variances_say_nothing(variances):
    assert prior_of(variances, 2) == NO_PRIOR


@given(st.floats(1e-6, 1e6))
def test_the_inverse_of_the_trigamma_function(value):
    assert polygamma(1, _inverse_trigamma(value)) == pytest.approx(value, rel=1e-6)


@given(st.integers(0, 1000), st.integers(1, 2), st.integers(2, 6))
def test_fewer_than_three_trials_are_judged_each_alone(seed, trials, replicates):
    tables = [drawn(seed + n, replicates) for n in range(trials)]
    alone = [resolved(LAMBDAS, table) for table in tables]
    assert resolved_trials([LAMBDAS] * trials, tables) == alone


def test_three_trials_of_two_replicates_are_resolved_together_and_not_alone():
    tables = [drawn(seed, 2) for seed in range(3)]
    together = resolved_trials([LAMBDAS] * 3, tables)
    assert all(each.resolved for each in together)
    assert not any(resolved(LAMBDAS, table).resolved for table in tables)
    differences = [resolved(LAMBDAS, table).low_difference for table in tables]
    assert [each.low_difference for each in together] == differences


def test_one_replicate_and_divergence_are_said_as_before():
    one = resolved_trials([LAMBDAS] * 4, [drawn(seed, 1) for seed in range(4)])
    assert {each.reason for each in one} == {"one replicate only"}
    tables = [drawn(seed, 3) for seed in range(4)]
    tables[0][:, -1] = np.inf
    tables[1][:] = np.inf
    found = resolved_trials([LAMBDAS] * 4, tables)
    assert found[0].high_errors == np.inf
    assert found[0].resolved
    assert "stayed finite" in found[1].reason
    assert found[2].resolved


def test_noise_like_that_of_the_others_is_no_proof():
    """Flat curves: the verdict is wrong in at most 5 of 100 trials."""
    said = [
        each.resolved
        for seed in range(0, 900, 3)
        for each in resolved_trials(
            [LAMBDAS] * 3, [drawn(seed + n, 2, height=0.0) for n in range(3)]
        )
    ]
    assert len(said) == 900
    assert np.mean(said) <= 0.05
