"""Table: what each trial says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ewc_lambda.inference.best_lambda import matrix
from ewc_lambda.inference.replicates import trained
from ewc_lambda.reporting.answers import Answers, TrialAnswer, reasons
from ewc_lambda.reporting.tables.cells import Row, interval, yes
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
        "importance": search.importance,
        "trial": trial.trial,
        "best_lambda": best.estimate,
        "best_lambda_low": best.low,
        "best_lambda_high": best.high,
        "open_below": yes(not best.bounded_low) if bounded else "",
        "open_above": yes(not best.bounded_high) if bounded else "",
        "lowest_lambda": best.grid_best,
        "lowest_at_end": trial.edge,
        "alike": len(alike.lambdas) or np.nan,
        "alike_low": min(alike.lambdas, default=np.nan),
        "alike_high": max(alike.lambdas, default=np.nan),
        "resolved": yes(said.resolved),
        "low_end_errors": said.low_errors,
        "high_end_errors": said.high_errors,
        "errors_needed": said.critical,
        **interval("gain", trial.gain),
        **interval("distance", trial.distance),
        "replicates": best.n_replicates,
        "fewest_replicates": int(trained(search.measures).min()),
        "lambdas": len(matrix(search.lambdas, search.measures)[0]),
        "lambdas_finite": best.n_lambdas,
        "rounds": rounds,
        "stop": _stop(study, trial),
        "missing_because": reasons(trial),
    }


def _stop(study: Study, trial: TrialAnswer) -> str:
    return next(iter(_stops(study, trial)), "")


def _stops(study: Study, trial: TrialAnswer) -> Iterator[str]:
    rounds = study.rounds
    if not rounds.empty:
        same = (rounds["trial"] == trial.trial) & (rounds["importance"] == trial.search.importance)
        yield from (str(text) for text in rounds[same]["stop"] if text)
