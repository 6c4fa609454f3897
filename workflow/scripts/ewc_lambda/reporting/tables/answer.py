"""Table: what the whole study says."""

from __future__ import annotations

import pandas as pd

from ewc_lambda.reporting.answers import Answers, reasons
from ewc_lambda.reporting.tables.cells import UNIT, interval, yes
from ewc_lambda.results.study_file import Study


def table(study: Study, answers: Answers) -> pd.DataFrame:
    """One row per importance measure: what the whole study says; intervals over trials."""
    rows = []
    for each in answers:
        said = each.resolved
        missing = [str(trial) for trial, name in answers.missing if name == each.importance]
        rows.append(
            {
                "importance measure": each.importance,
                "best lambda": each.best.estimate,
                "best lambda, low end of 95% interval": each.best.low,
                "best lambda, high end of 95% interval": each.best.high,
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
