"""Table: every lambda step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ewc_lambda.inference.replicates import trained
from ewc_lambda.reporting.answers import Answers
from ewc_lambda.reporting.tables.cells import UNIT, yes
from ewc_lambda.results.study_file import Study


def table(study: Study, answers: Answers) -> pd.DataFrame:
    """One row per lambda step; means and standard errors over replicates."""
    alike = {(e.importance, t.trial): t.alike for e in answers for t in e.trials}
    rows = []
    for (_, step), values in zip(study.steps.iterrows(), study.measures(study.steps), strict=True):
        found = alike[step["importance"], int(step["trial"])]
        n, diverged = int(trained(values)), bool(step["diverged"])
        values = values[:n]
        near = any(np.isclose(step["lambda"], v, rtol=1e-9, atol=0) for v in found.lambdas)
        rows.append(
            {
                "importance measure": step["importance"],
                "trial": step["trial"],
                "round": step["round"],
                "step": step["step"],
                "lambda": step["lambda"],
                f"mean measure {UNIT}": np.nan if diverged else values.mean(),
                f"standard error {UNIT}": (
                    values.std(ddof=1) / np.sqrt(n) if n > 1 and not diverged else np.nan
                ),
                "replicates": n,
                "diverged": yes(diverged),
                "cannot be told from the best": "" if found.reason else yes(near),
                "why a number is missing": (
                    "diverged" if diverged else "one replicate only" if n == 1 else ""
                ),
            }
        )
    order = ["importance measure", "trial", "round", "step"]
    return pd.DataFrame(rows).sort_values(order, ignore_index=True)
