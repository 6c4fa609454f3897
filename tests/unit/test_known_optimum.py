"""Linear regression in sequence, whose best lambda Bayes' rule says, trained by the workflow."""

import known_optimum
import numpy as np
import pytest
from known_optimum import Case, holds, least_squares_best, study

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.prepared import read_prepared
from ewc_lambda.data.task_order import for_trial
from ewc_lambda.errors import StudyError
from ewc_lambda.results.study_file import Study

CASES = [Case(1.0, 1.0, 2, 1, seed=3), Case(2.0, 0.1, 2, 4, seed=4), Case(1, 1, 2, 1, 0.5, 5)]


def solved(files, trial, lambdas):
    """Mean validation loss (S,) of the weights that solve the normal equations of loss and penalty
    for the samples that a trial drew.
    """
    drawn = for_trial(read_prepared(files.record("data")), files.config, trial)
    moments, best, held = [], [], []
    for task in drawn.splits:
        x, y = (values.astype(float) for values in task["train"])
        x = np.column_stack([x, np.ones(len(x))])
        moments.append(x.T @ x / len(x))
        best.append(np.linalg.lstsq(x, y, rcond=None)[0])
        x, y = (values.astype(float) for values in task["validation"])
        held.append((np.column_stack([x, np.ones(len(x))]), y))
    losses = []
    for value in lambdas:
        stiff = value * y.shape[1] / 2 * np.diag(np.diag(moments[0]))
        right = moments[1] @ best[1] + stiff @ best[0]
        weights = np.linalg.solve(moments[1] + stiff, right)
        losses.append(np.mean([np.square(x @ weights - y).mean() for x, y in held]))
    return losses


@pytest.mark.parametrize("case", CASES, ids=str)
def test_steps_end_where_the_normal_equations_say(tmp_path, case):
    files = known_optimum.run(case, tmp_path)
    steps = Study.read(files.record("study")).tables["steps"]
    for trial in range(case.trials):
        rows = np.flatnonzero(steps["trial"] == trial)
        found = steps["judged"][rows, 0]
        expected = solved(files, trial, steps["lambda"][rows])
        # Rounding of a prediction, 1e-6 of it, is that of a residual ten times smaller: processors
        # of other arithmetic were 2e-5 and 4e-5 off.
        np.testing.assert_allclose(found, expected, rtol=1e-4)
        assert np.ptp(expected) > 1e-3 * np.mean(expected) * case.noise**2


@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize("ratio", [0.5, 4.0])
def test_bayes_value_is_best_for_inputs_that_do_not_correlate(ratio, outputs):
    case = Case(ratio, 1.0, 2, outputs)
    assert case.bayes_lambda == ratio * 2 / outputs
    assert least_squares_best(case, 1500) / case.bayes_lambda == pytest.approx(1, rel=0.15)


def test_what_holds_bayes_value():
    found = study(Case(1.0, 1.0, 5, 4, seed=8))
    assert np.isfinite(found.estimate)
    assert holds(found, found.estimate)
    assert not holds(found, found.high * 1.01) or found.open_high


def test_a_linear_network_needs_a_head_that_tasks_share():
    with pytest.raises(StudyError, match=r"^hidden: without a layer, a head per task leaves"):
        resolve({"hidden": []})
    assert resolve({"hidden": [], "heads": "shared"})["hidden"] == []
