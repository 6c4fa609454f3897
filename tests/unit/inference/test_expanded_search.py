"""Searches that went beyond the ends of their first grid: what they are resolved by."""

import numpy as np
import pytest
from made_up_studies import made_up_study

from ewc_lambda.inference.resolving import resolved
from ewc_lambda.reporting.answers import answer_importance
from ewc_lambda.reporting.summary import summary
from ewc_lambda.results.searches import searches
from ewc_lambda.search.rounds import decide, grid

STEPS, ROUNDS, REPLICATES = 8, 4, 6


def test_a_minimum_beyond_the_first_grid_that_later_rounds_bound_is_resolved(tmp_path):
    study = made_up_study(
        tmp_path / "s.h5", trials=3, centres=[7, 7.1, 6.9], rounds=4, expand=True, noise=0.02
    )
    answer = answer_importance(study, "fisher")
    assert answer.resolved.resolved
    assert all(trial.resolved.resolved for trial in answer.trials)
    assert "the ends of the whole search are worse by" in summary(study)
    # The first grid alone, from 1 to 1e6, cannot say so.
    first = searches(study, "fisher")[0]
    assert not resolved(first.first_lambdas, first.first_measures).resolved


def test_without_expansion_the_first_grid_decides(tmp_path):
    study = made_up_study(tmp_path / "s.h5", rounds=3)
    for search in searches(study, "fisher"):
        assert not search.went_beyond
        np.testing.assert_array_equal(search.wide_lambdas, search.first_lambdas)


def test_rounds_inside_of_what_was_searched_are_left_out(tmp_path):
    study = made_up_study(tmp_path / "s.h5", trials=1, centres=[7], rounds=4, expand=True)
    (search,) = searches(study, "fisher")
    assert len(search.wide_lambdas) == 2 * 9 < len(search.lambdas) == 4 * 9
    assert search.wide_lambdas.max() == search.lambdas.max()


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_flat_and_one_sided_curves_are_rarely_resolved(slope):
    """Level everywhere, or below 1e5: the search goes on to lower lambdas by chance alone."""
    rng = np.random.default_rng(31)
    said, beyond = [], []
    for _ in range(400):
        lambdas, table, searched, bracket = [], [], [], (10.0**2, 10.0**8)
        for round_ in range(ROUNDS):
            at = grid(bracket, STEPS, "log")
            x = np.log10(at)
            noise = 0.1 * rng.standard_normal((REPLICATES, STEPS))
            values = slope * np.maximum(x - 5, 0) + noise
            outward = not lambdas or at[0] < min(lambdas) or at[-1] > max(lambdas)
            found = decide(
                at,
                values.mean(axis=0),
                spacing="log",
                threshold=1e-9,
                round_=round_,
                max_rounds=ROUNDS,
                expand_at_edge=True,
                searched=searched,
            )
            searched += at
            if outward:
                lambdas += at
                table.append(values)
            bracket = found.bracket
        beyond.append(len(table) > 1)
        said.append(resolved(lambdas, np.concatenate(table, axis=1)).resolved)
    assert np.mean(beyond) > 0.1
    assert np.mean(said) <= 0.05
