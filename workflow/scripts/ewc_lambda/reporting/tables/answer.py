"""Table: what the whole study says."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.reporting.answers import Answers, reasons
from ewc_lambda.reporting.recommendation import ByAccuracy, Recommendation
from ewc_lambda.reporting.tables.cells import Row, interval, yes
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import LEVEL


def table(study: Study, answers: Answers) -> pd.DataFrame:
    """One row per importance measure: what the whole study says; intervals over trials."""
    rows = []
    for each in answers:
        said = each.resolved
        missing = [str(trial) for trial, name in answers.missing if name == each.importance]
        rows.append(
            {
                "importance": each.importance,
                **_new_network(each.recommendation),
                **interval("mean_best_lambda", each.best),
                **_by_accuracy(each.recommendation.by_accuracy),
                "resolved": yes(said.resolved),
                "low_end_errors": said.low_errors,
                "high_end_errors": said.high_errors,
                "errors_needed": said.critical,
                **interval("gain", each.gain),
                **interval("distance", each.distance),
                "trials": len(each.trials),
                "trials_resolved": sum(t.resolved.resolved for t in each.trials),
                "replicates": len(each.trials[0].search.measures),
                "randomness": study.config["randomness"],
                "trials_missing": " ".join(missing),
                "missing_because": reasons(each),
            }
        )
    return pd.DataFrame(rows)


def _new_network(found: Recommendation) -> Row:
    """The lambda to use, and what it costs to be wrong."""
    row = interval("lambda_to_use", found.use)
    known = np.isfinite(found.use.low)
    row["open_below"] = yes(found.use.open_low) if known else ""
    row["open_above"] = yes(found.use.open_high) if known else ""
    row["regret"] = found.regret.mean
    row["regret_high"] = found.regret.most
    for each in found.tolerances:
        row[f"within_{100 * each.share:.0f}_low"] = each.low
        row[f"within_{100 * each.share:.0f}_high"] = each.high
    for factor, cost in found.factors:
        row[f"factor_{factor}_cost"] = cost
    row["own_best_low"] = found.own.low
    row["own_best_high"] = found.own.high
    row["trials_to_halve"] = found.halving or np.nan
    return row


def _by_accuracy(found: ByAccuracy | None) -> Row:
    nan = float("nan")
    best = found.best if found else Interval(nan, nan, nan, 0, LEVEL)
    row = interval("by_accuracy", best)
    row["by_accuracy_apart"] = yes(found.apart) if found else ""
    return row
