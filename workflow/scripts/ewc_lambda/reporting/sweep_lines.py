"""What is said of a sweep that somebody has run, beside the answer: how its table was taken, which
lambdas cannot be told from the best, and what more runs would give.
"""

from __future__ import annotations

import math

import numpy as np

from ewc_lambda.inference.more_runs import narrowed, times_to_resolve, trials_to_resolve
from ewc_lambda.reporting.answers import ImportanceAnswer, TrialAnswer
from ewc_lambda.reporting.lines import line as said
from ewc_lambda.results.searches import spacing
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import LEVEL

# Beyond it nobody would run them, and the estimate is too rough to say.
MOST_TIMES = 100
TWICE = 2.0


def sweep_head(study: Study) -> list[str]:
    """The study's name and what it is made of, and a line for each thing that was taken so."""
    trials, groups = study.sweep["trials"], study.sweep["groups"]
    parts = [f"{study.steps['lambda'].nunique()} lambdas"]
    if len(groups) > 1:
        parts.append(f"{len(groups)} groups ({', '.join(groups)})")
    if len(trials) > 1:
        parts.append(f"{len(trials)} trials")
    head = f"Sweep {study.name}: {', '.join(parts)}; measure {study.sweep['measure']}, lower is "
    return [f"{head}better.", *(f"  {note}" for note in study.sweep["notes"])]


def sweep_lines(study: Study, answer: ImportanceAnswer) -> list[str]:
    """Lines below the answer of one group."""
    if len(answer.trials) > 1:
        return [*_edge(answer), *_more_trials(study, answer)]
    (trial,) = answer.trials
    return [*_alike(trial), *_edge(answer), *_more_runs(study, trial)]


def _alike(trial: TrialAnswer) -> list[str]:
    alike = trial.alike
    if alike.reason:
        return [said("alike", f"none named: {alike.reason}")]
    lambdas = alike.lambdas
    if len(lambdas) == 1:
        return [said("alike", f"no other lambda: all are worse than {lambdas[0]:.3g} beyond doubt")]
    count = f"{len(lambdas)} of {len(trial.search.lambdas)} lambdas"
    text = f"{count} cannot be told from the best: {lambdas[0]:.3g} to {lambdas[-1]:.3g}"
    return [said("alike", text)]


def _edge(answer: ImportanceAnswer) -> list[str]:
    """What to do where the curve is lowest at an end of the lambdas."""
    lines = []
    for edge, way in (("low", "lower"), ("high", "higher")):
        count = sum(edge in (trial.edge, trial.best.end) for trial in answer.trials)
        if 2 * count >= len(answer.trials):
            lines.append(said("edge", f"lowest at the {edge} end: run {way} lambdas"))
    return lines


def _more_runs(study: Study, trial: TrialAnswer) -> list[str]:
    best, lambdas = trial.best, trial.search.lambdas
    lines = _to_resolve(times_to_resolve(trial.resolved), "runs")
    if best.n_replicates < 2:
        lines = ["two runs of each lambda, better five, would give an interval"]
    elif not lines and best.bounded_low and best.bounded_high:
        searched = float(lambdas.min()), float(lambdas.max())
        lines = _narrower(
            narrowed(
                best.estimate,
                (best.low, best.high),
                best.n_replicates,
                TWICE,
                spacing(study),
                LEVEL,
                searched,
            ),
            "runs of each lambda",
        )
    return [said("more runs", line) for line in lines]


def _more_trials(study: Study, answer: ImportanceAnswer) -> list[str]:
    best = answer.best
    lines = _to_resolve(trials_to_resolve(answer.resolved, best.n) / best.n, "trials")
    if not lines:
        ends = best.low, best.high
        found = narrowed(best.estimate, ends, best.n, TWICE, spacing(study), LEVEL)
        lines = _narrower(found, "trials")
    return [said("more trials", line) for line in lines]


def _narrower(ends: tuple[float, float], what: str) -> list[str]:
    if np.isnan(ends[0]):
        return []
    return [f"twice as many {what} would give an interval of about {ends[0]:.3g} to {ends[1]:.3g}"]


def _to_resolve(times: float, what: str) -> list[str]:
    if np.isnan(times) or times <= 1:
        return []
    if times > MOST_TIMES:
        return [f"an end is as low as the best: no number of {what} is likely to resolve it"]
    return [f"about {math.ceil(times)} times as many {what} would resolve it, if the ends stay so"]
