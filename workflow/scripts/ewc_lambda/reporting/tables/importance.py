"""Table: the importance measures against each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ewc_lambda.reporting.answers import Answers
from ewc_lambda.reporting.tables.cells import Row, yes
from ewc_lambda.results.study_file import Study


def table(study: Study, answers: Answers) -> pd.DataFrame:
    """Importance measures against each other: one row per measure, then one per pair."""
    found = answers.comparison
    over = f"{found.n} {answers.compared_over}s" if found.n != 1 else f"1 {answers.compared_over}"
    rows: list[Row] = []
    for number, name in enumerate(found.names):
        known = not found.reason
        rows.append(
            {
                "importance": name,
                "compared_with": "",
                "measure": found.means[number],
                "best_rank": found.rank_low[number] if known else np.nan,
                "worst_rank": found.rank_high[number] if known else np.nan,
                "paired_over": over,
                "missing_because": found.reason,
            }
        )
    for each in found.unranked:
        rows.append(
            {
                "importance": each.name,
                "compared_with": "",
                "measure": each.mean,
                "paired_over": over,
                "missing_because": f"no rank: {each.reason}",
            }
        )
    for pair in found.differences:
        rows.append(
            {
                "importance": pair.first,
                "compared_with": pair.second,
                "difference": pair.mean,
                "difference_low": pair.low,
                "difference_high": pair.high,
                "tied": "" if found.reason else yes(not pair.distinct),
                "paired_over": over,
                "missing_because": found.reason,
            }
        )
    columns = [
        "importance",
        "compared_with",
        "measure",
        "best_rank",
        "worst_rank",
        "difference",
        "difference_low",
        "difference_high",
        "tied",
        "paired_over",
        "missing_because",
    ]
    return pd.DataFrame(rows, columns=columns)
