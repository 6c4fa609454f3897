"""The summary tables of a study, as data frames with plain column names and units.

Where a number cannot be given its cell is empty and the row says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ewc_lambda.inference.best_lambda import matrix
from ewc_lambda.inference.replicates import trained
from ewc_lambda.reporting.answers import Answers, TrialAnswer, reasons
from ewc_lambda.reporting.field_metrics import metric_rows
from ewc_lambda.results.study_file import Study

UNIT = "(loss x epochs)"
Row = dict[str, Any]


def make_tables(study: Study, answers: Answers) -> dict[str, pd.DataFrame]:
    """All tables by the name of their file: answer, trials, lambdas, metrics, importance."""
    return {
        "answer": answer_table(study, answers),
        "trials": trials_table(study, answers),
        "lambdas": lambdas_table(study, answers),
        "metrics": pd.DataFrame(metric_rows(study)),
        "importance": importance_table(answers),
    }


def answer_table(study: Study, answers: Answers) -> pd.DataFrame:
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
                "resolved": _yes(said.resolved),
                "low end worse by, in standard errors": said.low_errors,
                "high end worse by, in standard errors": said.high_errors,
                "standard errors needed": said.critical,
                **_interval(f"gain over lambda = 0 {UNIT}", each.gain),
                **_interval(f"distance to joint training {UNIT}", each.distance),
                "trials": len(each.trials),
                "trials resolved on their own": sum(t.resolved.resolved for t in each.trials),
                "replicates per trial": len(each.trials[0].search.measures),
                "randomness": study.config["randomness"],
                "trials missing": " ".join(missing),
                "why a number is missing": reasons(each),
            }
        )
    return pd.DataFrame(rows)


def trials_table(study: Study, answers: Answers) -> pd.DataFrame:
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
        "interval open below": _yes(not best.bounded_low) if bounded else "",
        "interval open above": _yes(not best.bounded_high) if bounded else "",
        "lambda of lowest mean measure": best.grid_best,
        "which is an end of those searched": trial.edge,
        "lambdas not told from the best": len(alike.lambdas) or np.nan,
        "least of them": min(alike.lambdas, default=np.nan),
        "greatest of them": max(alike.lambdas, default=np.nan),
        "resolved": _yes(said.resolved),
        "low end worse by, in standard errors": said.low_errors,
        "high end worse by, in standard errors": said.high_errors,
        "standard errors needed": said.critical,
        **_interval(f"gain over lambda = 0 {UNIT}", trial.gain),
        **_interval(f"distance to joint training {UNIT}", trial.distance),
        "replicates": best.n_replicates,
        "fewest replicates of a lambda": int(trained(search.measures).min()),
        "lambdas": len(matrix(search.lambdas, search.measures)[0]),
        "lambdas without divergence": best.n_lambdas,
        "rounds": rounds,
        "why the search ended": _stop(study, trial),
        "why a number is missing": reasons(trial),
    }


def lambdas_table(study: Study, answers: Answers) -> pd.DataFrame:
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
                "diverged": _yes(diverged),
                "cannot be told from the best": "" if found.reason else _yes(near),
                "why a number is missing": (
                    "diverged" if diverged else "one replicate only" if n == 1 else ""
                ),
            }
        )
    order = ["importance measure", "trial", "round", "step"]
    return pd.DataFrame(rows).sort_values(order, ignore_index=True)


def importance_table(answers: Answers) -> pd.DataFrame:
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
    for pair in found.differences:
        rows.append(
            {
                "importance measure": pair.first,
                "compared with": pair.second,
                f"difference of measures {UNIT}": pair.mean,
                f"low end of simultaneous 95% interval {UNIT}": pair.low,
                f"high end of simultaneous 95% interval {UNIT}": pair.high,
                "tied": "" if found.reason else _yes(not pair.distinct),
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


def _interval(name: str, value: Any) -> Row:
    return {
        name: value.estimate,
        f"{name}, low end of 95% interval": value.low,
        f"{name}, high end of 95% interval": value.high,
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _stop(study: Study, trial: TrialAnswer) -> str:
    return next(iter(_stops(study, trial)), "")


def _stops(study: Study, trial: TrialAnswer) -> Iterator[str]:
    rounds = study.rounds
    if not rounds.empty:
        same = (rounds["trial"] == trial.trial) & (rounds["importance"] == trial.search.importance)
        yield from (str(text) for text in rounds[same]["stop"] if text)
