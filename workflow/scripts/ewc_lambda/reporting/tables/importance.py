"""Table: the importance measures against each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ewc_lambda.reporting.answers import Answers
from ewc_lambda.reporting.tables.cells import UNIT, Row, yes
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
                "importance measure": name,
                "compared with": "",
                f"measure at the best lambda {UNIT}": found.means[number],
                "best possible rank": found.rank_low[number] if known else np.nan,
                "worst possible rank": found.rank_high[number] if known else np.nan,
                "paired over": over,
                "why a number is missing": found.reason,
            }
        )
    for each in found.unranked:
        rows.append(
            {
                "importance measure": each.name,
                "compared with": "",
                f"measure at the best lambda {UNIT}": each.mean,
                "paired over": over,
                "why a number is missing": f"no rank: {each.reason}",
            }
        )
    for pair in found.differences:
        rows.append(
            {
                "importance measure": pair.first,
                "compared with": pair.second,
                f"difference of measures {UNIT}": pair.mean,
                f"low end of simultaneous 95% interval {UNIT}": pair.low,
                f"high end of simultaneous 95% interval {UNIT}": pair.high,
                "tied": "" if found.reason else yes(not pair.distinct),
                "paired over": over,
                "why a number is missing": found.reason,
            }
        )
    columns = [
        "importance measure",
        "compared with",
        f"measure at the best lambda {UNIT}",
        "best possible rank",
        "worst possible rank",
        f"difference of measures {UNIT}",
        f"low end of simultaneous 95% interval {UNIT}",
        f"high end of simultaneous 95% interval {UNIT}",
        "tied",
        "paired over",
        "why a number is missing",
    ]
    return pd.DataFrame(rows, columns=columns)
