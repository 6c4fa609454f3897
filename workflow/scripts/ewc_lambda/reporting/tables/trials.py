"""Table: what each trial says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ewc_lambda.inference.best_lambda import matrix
from ewc_lambda.inference.replicates import trained
from ewc_lambda.reporting.answers import Answers, TrialAnswer, reasons
from ewc_lambda.reporting.tables.cells import UNIT, Row, interval, yes
from ewc_lambda.results.study_file import Study


def table(study: Study, answers: Answers) -> pd.DataFrame:
    """One row per importance measure and trial; intervals over replicates."""
    return pd.DataFrame([_trial_row(study, trial) for each in answers for trial in each.trials])


def _trial_row(study: Study, trial: TrialAnswer) -> Row:
    best, alike, said, search = trial.best, trial.alike, trial.resolved, trial.search
    bounded = np.isfinite(best.low)
    rounds = study.steps[
        (study.steps["trial"] == trial.trial) & (study.steps["importance"] == search.importance)
    ]["round"].nunique()
    return {
        "importance measure": search.importance,
        "trial": trial.trial,
        "best lambda": best.estimate,
        "best lambda, low end of 95% interval": best.low,
        "best lambda, high end of 95% interval": best.high,
        "interval open below": yes(not best.bounded_low) if bounded else "",
        "interval open above": yes(not best.bounded_high) if bounded else "",
        "lambda of lowest mean measure": best.grid_best,
        "which is an end of those searched": trial.edge,
        "lambdas not told from the best": len(alike.lambdas) or np.nan,
        "least of them": min(alike.lambdas, default=np.nan),
        "greatest of them": max(alike.lambdas, default=np.nan),
        "resolved": yes(said.resolved),
        "low end worse by, in standard errors": said.low_errors,
        "high end worse by, in standard errors": said.high_errors,
        "standard errors needed": said.critical,
        **interval(f"gain over lambda = 0 {UNIT}", trial.gain),
        **interval(f"distance to joint training {UNIT}", trial.distance),
        "replicates": best.n_replicates,
        "fewest replicates of a lambda": int(trained(search.measures).min()),
        "lambdas": len(matrix(search.lambdas, search.measures)[0]),
        "lambdas without divergence": best.n_lambdas,
        "rounds": rounds,
        "why the search ended": _stop(study, trial),
        "why a number is missing": reasons(trial),
    }


def _stop(study: Study, trial: TrialAnswer) -> str:
    return next(iter(_stops(study, trial)), "")


def _stops(study: Study, trial: TrialAnswer) -> Iterator[str]:
    rounds = study.rounds
    if not rounds.empty:
        same = (rounds["trial"] == trial.trial) & (rounds["importance"] == trial.search.importance)
        yield from (str(text) for text in rounds[same]["stop"] if text)
