"""The best lambdas of studies in units of Bayes' value."""

from __future__ import annotations

import math
from pathlib import Path

from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.results.study_file import Study

# Committed studies whose importance is Fisher information as it is.
NAMES = ("digits", "fixed_digits", "three_tasks", "mnist", "findings_mnist")


def bayes_lambda(study: Study, outputs: int) -> float:
    """The lambda of Bayes' rule for tasks of one size, each with a term of its own: 1 where the
    loss is a sample's negative log-likelihood; binary cross-entropy is a mean over the outputs of a
    task, and has that many times less.
    """
    return 1 / outputs if study.config["loss"] == "binary_cross_entropy" else 1.0


def bayes_table(reference: Path) -> str:
    """The table as Markdown, of the studies that are there."""
    lines = ["| study | Bayes' value | lambda to use | times Bayes' value |", "|---|---|---|---|"]
    for name in NAMES:
        path = reference / name / "study.h5"
        if not path.exists():
            continue
        study = open_study(path)
        (answer,) = answer_study(study)
        unit = bayes_lambda(study, len(study.config["tasks"][0]))
        use = answer.recommendation.use
        if len(answer.trials) == 1:
            (trial,) = answer.trials
            found = (trial.best.estimate, trial.best.low, trial.best.high)
        else:
            found = (use.estimate, use.low, use.high)
        shown, times = (_interval([value / by for value in found]) for by in (1, unit))
        lines.append(f"| {name} | {unit:.3g} | {shown} | {times} |")
    return "\n".join(lines)


def _interval(values: list[float]) -> str:
    estimate, low, high = (f"{value:.3g}" for value in values)
    return estimate if math.isnan(values[1]) else f"{estimate} ({low} to {high})"
