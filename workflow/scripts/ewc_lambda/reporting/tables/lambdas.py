"""Table: every lambda step."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ewc_lambda.inference.replicates import trained
from ewc_lambda.reporting.answers import Answers
from ewc_lambda.reporting.tables.cells import Row, yes
from ewc_lambda.results.accuracies import accuracy_and_forgetting
from ewc_lambda.results.study_file import Study


def table(study: Study, answers: Answers) -> pd.DataFrame:
    """One row per lambda step; means and standard errors over replicates."""
    alike = {(e.importance, t.trial): t.alike for e in answers for t in e.trials}
    rows = []
    rows_of = study.steps.index.to_numpy()
    for row, values in zip(rows_of, study.measures(study.steps), strict=True):
        step = study.steps.loc[row]
        found = alike[step["importance"], int(step["trial"])]
        n, diverged = int(trained(values)), bool(step["diverged"])
        values = values[:n]
        found_accuracy, forgotten = accuracy_and_forgetting(study, "steps", int(row))
        near = any(np.isclose(step["lambda"], v, rtol=1e-9, atol=0) for v in found.lambdas)
        rows.append(
            {
                "importance": step["importance"],
                "trial": step["trial"],
                "round": step["round"],
                "step": step["step"],
                "lambda": step["lambda"],
                **_mean_and_error("measure", values, diverged),
                **_mean_and_error("accuracy", found_accuracy, diverged),
                **_mean_and_error("forgetting", forgotten, diverged),
                "replicates": n,
                "diverged": yes(diverged),
                "like_best": "" if found.reason else yes(near),
                "missing_because": (
                    "diverged" if diverged else "one replicate only" if n == 1 else ""
                ),
            }
        )
    order = ["importance", "trial", "round", "step"]
    return pd.DataFrame(rows).sort_values(order, ignore_index=True)


def _mean_and_error(name: str, values: NDArray[np.float64], diverged: bool) -> Row:
    """Mean of some replicates (n,) and its standard error, as far as there are any."""
    n = len(values)
    return {
        name: np.nan if diverged else values.mean(),
        f"{name}_error": (values.std(ddof=1) / np.sqrt(n) if n > 1 and not diverged else np.nan),
    }
