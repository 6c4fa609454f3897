"""The answer of a study in a few plain lines, for a terminal and for the report's first page."""

from __future__ import annotations

import numpy as np

from ewc_lambda.inference.best_lambda import Interval, Resolved
from ewc_lambda.reporting.answers import Answers, ImportanceAnswer, TrialAnswer, answer_study
from ewc_lambda.reporting.sweep_lines import sweep_head, sweep_lines
from ewc_lambda.results.arithmetic import study_arithmetic
from ewc_lambda.results.study_file import Study


def summary(study: Study, answers: Answers | None = None) -> str:
    """The answer of a study: best lambda, its interval, resolved or not, gain, and which importance
    measure wins; it says so when the data do not decide.
    """
    found = answers or answer_study(study)
    if study.sweep:
        return _sweep_summary(study, found)
    fewest, most = study.replicate_range
    replicates = _count(most, "replicate")
    if fewest < most:
        replicates = f"{fewest} to {replicates} per lambda (racing)"
    lines = [
        f"Study {study.name}: {_count(len(study.trials), 'trial')} of "
        f"{replicates}, {study.config['randomness']} randomness, "
        f"lambda chosen on the {study.config['selection_split']} split.",
    ]
    if found.missing:
        names = ", ".join(f"trial {trial} of {name}" for trial, name in found.missing)
        lines.append(f"Missing, and left out: {names}.")
    if mixed := study_arithmetic(study):
        lines.append(mixed)
    lines += [f"Note: {note}." for note in study.notes]
    for each in found:
        lines += ["", *importance_lines(each)]
    lines += ["", *comparison_lines(found)] if len(found.importances) > 1 else []
    return "\n".join(lines) + "\n"


def _sweep_summary(study: Study, found: Answers) -> str:
    """The answer of a sweep that somebody has run: no lines of what a table does not tell."""
    lines = sweep_head(study)
    if found.missing:
        names = ", ".join(f"trial {trial} of {name}" for trial, name in found.missing)
        lines.append(f"Missing, and left out: {names}.")
    for each in found:
        lines += ["", *_said(each), *_by_trial(each), *sweep_lines(study, each)]
    lines += ["", *comparison_lines(found, "Groups")] if len(found.importances) > 1 else []
    return "\n".join(lines) + "\n"


def importance_lines(answer: ImportanceAnswer) -> list[str]:
    """What the study says about one importance measure."""
    if len(answer.trials) == 1:
        trial = answer.trials[0]
        return [
            *_said(answer),
            *_against(trial.gain, trial.distance),
            *_edges(answer),
            "  One trial only: this holds for its base model; other base models are not in it.",
        ]
    return [
        *_said(answer),
        *_against(answer.gain, answer.distance),
        *_edges(answer),
        *_by_trial(answer),
    ]


def _said(answer: ImportanceAnswer) -> list[str]:
    said, best = answer.resolved, _interval(answer.best, "over trials")
    estimate = answer.best.estimate
    if len(answer.trials) == 1:
        trial = answer.trials[0]
        said, best, estimate = trial.resolved, _best(trial), trial.best.estimate
    return [
        f"{answer.importance}: {_verdict(said, estimate)}",
        f"  best lambda  {best}",
        f"  resolved     {_resolved(said)}",
    ]


def _by_trial(answer: ImportanceAnswer) -> list[str]:
    if len(answer.trials) == 1:
        return []
    alone = sum(trial.resolved.resolved for trial in answer.trials)
    lines = [f"  trials       {alone} of {len(answer.trials)} resolved on their own:"]
    shown = answer.trials if len(answer.trials) <= 10 else answer.trials[:10]
    for trial in shown:
        mark = "resolved" if trial.resolved.resolved else "not resolved"
        lines.append(f"    {trial.trial}: {_best(trial)}, {mark}")
    if len(shown) < len(answer.trials):
        lines.append(f"    ... and {len(answer.trials) - len(shown)} more in trials.csv")
    return lines


def _edges(answer: ImportanceAnswer) -> list[str]:
    """What to do where the measure is lowest at an end of the lambdas searched."""
    lines = []
    for edge, key in (("low", "low_range"), ("high", "high_range")):
        count = sum(edge in (trial.edge, trial.best.end) for trial in answer.trials)
        # A few of many trials are noise; half of them are a range that misses the minimum.
        if 2 * count >= len(answer.trials) and edge == "low" and _least(answer) == 0:
            lines.append(
                f"  edge         lowest at lambda = 0 in {count} of "
                f"{_count(len(answer.trials), 'trial')}: no penalty helps here"
            )
        elif 2 * count >= len(answer.trials):
            lines.append(
                f"  edge         lowest at the {edge} end of the search in {count} of "
                f"{_count(len(answer.trials), 'trial')}: move {key} outwards"
            )
    return lines


def _least(answer: ImportanceAnswer) -> float:
    """The least lambda that any trial searched."""
    return min(float(trial.search.lambdas.min()) for trial in answer.trials)


def comparison_lines(answers: Answers, what: str = "Importance measures") -> list[str]:
    """Which importance measure, or group of a sweep, wins, or which are tied."""
    found = answers.comparison
    head = f"{what}, from the lowest measure at the best lambda:"
    if found.reason:
        head = f"{what}: the data do not decide between them ({found.reason})."
    lines = [head]
    width = max(len(name) for name in found.names)
    for number, name in enumerate(found.names):
        text = f"  {name:<{width}}  {_number(found.means[number])}"
        low, high = found.rank_low[number], found.rank_high[number]
        if not found.reason:
            text += f"  rank {low}" if low == high else f"  rank {low} to {high}"
        lines.append(text)
    tied = found.tied_with_best
    if not found.reason:
        if len(tied) > 1:
            lines.append(f"  The data do not decide which is best: {', '.join(tied)} are tied.")
        else:
            lines.append(f"  {tied[0]} is the best beyond doubt.")
    return lines


def _verdict(said: Resolved, best: float) -> str:
    if said.resolved:
        return f"the best lambda is {_number(best)}."
    return "the data do not decide which lambda is best."


def _best(trial: TrialAnswer) -> str:
    best = trial.best
    if not np.isfinite(best.low):
        return f"{_number(best.estimate)} (no interval: {best.reason})"
    low = _number(best.low) if best.bounded_low else f"less than {_number(best.low)}"
    high = _number(best.high) if best.bounded_high else f"more than {_number(best.high)}"
    return f"{_number(best.estimate)} (95% interval {low} to {high}, over replicates)"


def _resolved(said: Resolved) -> str:
    if said.reason:
        return f"no: {said.reason}"
    ends = f"{_errors(said.low_errors)} and {_errors(said.high_errors)} standard errors"
    needed = f"{_number(said.critical)} needed"
    if said.resolved:
        return f"yes: the ends of the first grid are worse by {ends} ({needed})"
    return f"no: the ends of the first grid are worse by {ends} ({needed} at both)"


def _errors(value: float) -> str:
    return "infinitely many" if np.isposinf(value) else _number(value)


def _against(gain: Interval, distance: Interval) -> list[str]:
    return [
        f"  gain         {_interval(gain)} over lambda = 0, in loss x epochs",
        f"  distance     {_interval(distance)} to joint training, in loss x epochs",
    ]


def _interval(value: Interval, over: str = "") -> str:
    if not np.isfinite(value.low):
        return f"{_number(value.estimate)} (no interval: {value.reason})"
    ends = f"95% interval {_number(value.low)} to {_number(value.high)}"
    return f"{_number(value.estimate)} ({ends}{', ' if over else ''}{over})"


def _number(value: float) -> str:
    # Adding 0 turns a negative zero into a plain one.
    return "none" if np.isnan(value) else f"{value + 0.0:.3g}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
