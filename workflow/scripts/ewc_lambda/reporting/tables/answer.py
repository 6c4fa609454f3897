"""Table: what the whole study says."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.reporting.answers import Answers, reasons
from ewc_lambda.reporting.recommendation import ByAccuracy, Recommendation
from ewc_lambda.reporting.tables.cells import UNIT, Row, interval, yes
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
                "importance measure": each.importance,
                **_new_network(each.recommendation),
                **interval("mean of the trials' best lambdas", each.best),
                **_by_accuracy(each.recommendation.by_accuracy),
                "resolved": yes(said.resolved),
                "low end worse by, in standard errors": said.low_errors,
                "high end worse by, in standard errors": said.high_errors,
                "standard errors needed": said.critical,
                **interval(f"gain over lambda = 0 {UNIT}", each.gain),
                **interval(f"distance to joint training {UNIT}", each.distance),
                "trials": len(each.trials),
                "trials resolved on their own": sum(t.resolved.resolved for t in each.trials),
                "replicates per trial": len(each.trials[0].search.measures),
                "randomness": study.config["randomness"],
                "trials missing": " ".join(missing),
                "why a number is missing": reasons(each),
            }
        )
    return pd.DataFrame(rows)


def _new_network(found: Recommendation) -> Row:
    """The lambda to use, and what it costs to be wrong."""
    row = interval("lambda to use", found.use)
    known = np.isfinite(found.use.low)
    row["interval open below"] = yes(found.use.open_low) if known else ""
    row["interval open above"] = yes(found.use.open_high) if known else ""
    row["regret on a new network (share)"] = found.regret.mean
    row["regret on a new network, high end of 95% interval (share)"] = found.regret.most
    for each in found.tolerances:
        within = f"within {each.share:.0%} of the least"
        row[f"lowest lambda {within}"] = each.low
        row[f"highest lambda {within}"] = each.high
    for factor, cost in found.factors:
        row[f"cost of a factor of {factor} (share)"] = cost
    row["a new network's own best lambda, low end of 95% prediction interval"] = found.own.low
    row["a new network's own best lambda, high end of 95% prediction interval"] = found.own.high
    row["trials for an interval half as wide"] = found.halving or np.nan
    return row


def _by_accuracy(found: ByAccuracy | None) -> Row:
    nan = float("nan")
    best = found.best if found else Interval(nan, nan, nan, 0, LEVEL)
    row = interval("best lambda by final average accuracy", best)
    row["beyond doubt another than by the measure"] = yes(found.apart) if found else ""
    return row
