"""The answer of a study in a few plain lines, for a terminal and for the report's first page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ewc_lambda.inference.best_lambda import (
    BestLambda,
    Interval,
)
from ewc_lambda.inference.mean_curve import Tolerance
from ewc_lambda.inference.more_runs import trials_to_resolve
from ewc_lambda.inference.reach import REASONS
from ewc_lambda.inference.resolving import Resolved
from ewc_lambda.inference.student import quantile
from ewc_lambda.reporting.answers import Answers, ImportanceAnswer, TrialAnswer, answer_study
from ewc_lambda.reporting.comparison_lines import comparison_lines
from ewc_lambda.reporting.field_lines import field_lines
from ewc_lambda.reporting.field_metrics import metric_rows
from ewc_lambda.reporting.lines import line as _line
from ewc_lambda.reporting.lines import number as _number
from ewc_lambda.reporting.noticed_lines import noticed_lines
from ewc_lambda.reporting.recommendation import ByAccuracy, Recommendation
from ewc_lambda.reporting.stopping_lines import cost_line, stopping_lines
from ewc_lambda.reporting.sweep_lines import sweep_head, sweep_lines
from ewc_lambda.results.arithmetic import study_arithmetic
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import LEVEL

# Criteria, as the summary of a study calls them that is judged by another one.
_OTHERS = {
    "measure": "by the measure",
    "final_loss": "by final loss",
    "final_accuracy": "by accuracy",
    "average_accuracy": "by average acc.",
}
EDGES = (("low", "low_range"), ("high", "high_range"))


def summary(study: Study, answers: Answers | None = None) -> str:
    """The answer of a study: the lambda to use, what it costs to be wrong, resolved or not, gain,
    and which importance measure wins; it says so when the data do not decide.
    """
    found = answers or answer_study(study)
    if study.sweep:
        return _sweep_summary(study, found)
    lines, rows = head_lines(study, found), metric_rows(study)
    for each in found:
        lines += ["", *importance_lines(each, field_lines(rows, each.importance))]
    lines += ["", *comparison_lines(found)] if len(found.importances) > 1 else []
    return "\n".join(lines) + "\n"


def head_lines(study: Study, found: Answers) -> list[str]:
    """What was studied, whether it is as sure as was asked, and what it cost."""
    fewest, most = study.replicate_range
    replicates = _count(most, "replicate")
    if fewest < most:
        replicates = f"{fewest} to {replicates} per lambda (racing)"
    lines = [
        f"Study {study.name}: {_count(len(study.trials), 'trial')} of "
        f"{replicates}, {study.config['randomness']} randomness, "
        f"{'geometric mean over trials, ' * study.shares}"
        f"lambda chosen on the {study.config['selection_split']} split.",
    ]
    if study.measured:
        lines.append(f"Chosen and judged by: {study.measured}.")
    if found.missing:
        names = ", ".join(f"trial {trial} of {name}" for trial, name in found.missing)
        lines.append(f"Missing, and left out: {names}.")
    lines += [*stopping_lines(study), cost_line(study)]
    if mixed := study_arithmetic(study):
        lines.append(mixed)
    return [*lines, *(f"Note: {note}." for note in study.notes)]


def _sweep_summary(study: Study, found: Answers) -> str:
    """The answer of a sweep that somebody has run: no lines of what a table does not tell."""
    lines = sweep_head(study)
    if found.missing:
        names = ", ".join(f"trial {trial} of {name}" for trial, name in found.missing)
        lines.append(f"Missing, and left out: {names}.")
    for each in found:
        lines += ["", *_of_sweep(each), *sweep_lines(study, each)]
    lines += ["", *comparison_lines(found, "Groups")] if len(found.importances) > 1 else []
    return "\n".join(lines) + "\n"


def _of_sweep(answer: ImportanceAnswer) -> list[str]:
    one = answer.trials[0] if len(answer.trials) == 1 else answer
    best = _best(one) if isinstance(one, TrialAnswer) else _interval(answer.best, "over trials")
    return [
        f"{answer.importance}: {_verdict(one.resolved, 'best lambda', one.best, one.gain)}",
        _line("best lambda", best),
        *_tolerances(answer.recommendation),
        _line("resolved", _resolved(one)),
        *(_trials(answer) if len(answer.trials) > 1 else []),
    ]


def importance_lines(answer: ImportanceAnswer, field: Sequence[str]) -> list[str]:
    """What the study says about one importance measure; ``field`` are its lines on the metrics of
    the field (`field_lines`).
    """
    if len(answer.trials) == 1:
        trial = answer.trials[0]
        said = _verdict(trial.resolved, "best lambda", trial.best, trial.gain)
        return [
            f"{answer.importance}: {said}",
            _line("best lambda", _best(trial)),
            *_tolerances(answer.recommendation),
            *_by_accuracy(answer.recommendation, "over replicates"),
            _line("resolved", _resolved(trial)),
            *_against(trial.gain, trial.distance, _unit(answer)),
            *field,
            *_edges(answer),
            "  One trial only: this holds for its base model; other base models are not in it.",
        ]
    use = answer.recommendation.use
    return [
        f"{answer.importance}: {_verdict(answer.resolved, 'lambda to use', use, answer.gain)}",
        *new_network_lines(answer),
        _line("resolved", _resolved(answer)),
        *_against(answer.gain, answer.distance, _unit(answer)),
        *field,
        *noticed_lines(answer.recommendation.noticed),
        *_edges(answer),
        *_next(answer),
        *_trials(answer),
    ]


def new_network_lines(answer: ImportanceAnswer) -> list[str]:
    """What to take for a new network, and what it costs."""
    found = answer.recommendation
    lines = [_line("lambda to use", _interval(found.use, "over trials"))]
    if not found.regret.reason:
        lines.append(
            _line(
                "cost",
                f"{_percent(found.regret.mean)} above a new network's own best on average, at most "
                f"{_percent(found.regret.most)}",
            )
        )
    elif not found.use.reason:
        lines.append(_line("cost", f"not known: {found.regret.reason}"))
    lines += _tolerances(found)
    costs = [f"of {factor}: {_percent(cost)}" for factor, cost in found.factors if cost >= 0]
    if costs:
        lines.append(_line("off by a factor", f"{', '.join(costs)} more"))
    if not found.own.reason:
        lines.append(
            _line(
                "own best",
                f"of a new network: {_ends(found.own)} (95% prediction interval), in the mean "
                f"{_interval(answer.best)}",
            )
        )
    return [*lines, *_by_accuracy(found, "over trials")]


def _tolerances(found: Recommendation) -> list[str]:
    if found.tolerances[0].reason:
        return []
    ranges = [f"{_ends(each)} within {_percent(each.share)}" for each in found.tolerances]
    return [_line("tolerance", f"{', '.join(ranges)} of the least")]


def _by_accuracy(found: Recommendation, over: str) -> list[str]:
    if found.others:
        return [line for name, said in found.others.items() for line in _by_other(name, said, over)]
    said = found.by_accuracy
    if said is None:
        return []
    what = "not told from the best by the measure"
    if said.apart:
        what = "beyond doubt not the best by the measure: the answer hangs on what is asked"
    if said.best.reason:
        return [_line("by accuracy", f"no best lambda by final accuracy: {said.best.reason}")]
    return [_line("by accuracy", f"{_interval(said.best, over)}, {what}")]


def _by_other(name: str, said: ByAccuracy | None, over: str) -> list[str]:
    """What another criterion than the study's would choose."""
    head = _OTHERS[name]
    if said is None:
        return []
    if said.best.reason:
        return [_line(head, f"no best lambda: {said.best.reason}")]
    what = "not told from the best"
    if said.apart:
        what = "beyond doubt not the best: the answer hangs on what is asked"
    return [_line(head, f"{_interval(said.best, over)}, {what}")]


def _next(answer: ImportanceAnswer) -> list[str]:
    """How many more trials a verdict needs, or a narrower statement."""
    trials, needed = len(answer.trials), answer.recommendation.halving
    deciding = trials_to_resolve(answer.resolved, trials)
    if trials == 2 < deciding < np.inf:
        two, three = (quantile(n, LEVEL) for n in (1, 2))
        return [
            _line(
                "more trials",
                f"two must be worse by {_number(two)} standard errors at both ends, three by "
                f"{_number(three)}: add a third (--config trials=3)",
            )
        ]
    if needed is None or answer.recommendation.use.reason:
        return []
    asked = answer.recommendation.asked
    if trials < deciding < np.inf:
        count, key = int(deciding), "min_trials" if asked else "trials"
        return [
            _line(
                "more trials",
                f"about {count} in all would decide, if trials go on to differ as these do "
                f"(--config {key}={count})",
            )
        ]
    halved = " ".join(f"{key}={width / 2:g}" for key, width in asked.items())
    way = halved or f"trials={needed}"
    return [
        _line(
            "more trials",
            f"{needed - trials} more (--config {way}) would about halve these intervals",
        )
    ]


def _trials(answer: ImportanceAnswer) -> list[str]:
    alone = sum(trial.resolved.resolved for trial in answer.trials)
    lines = [_line("trials", f"{alone} of {len(answer.trials)} resolved on their own:")]
    shown = answer.trials if len(answer.trials) <= 10 else answer.trials[:10]
    for trial in shown:
        mark = "resolved" if trial.resolved.resolved else "not resolved"
        lines.append(f"    {trial.trial}: {_best(trial)}, {mark}")
    if len(shown) < len(answer.trials):
        lines.append(f"    ... and {len(answer.trials) - len(shown)} more in trials.csv")
    return lines


def _edges(answer: ImportanceAnswer) -> list[str]:
    """What to do where the measure is lowest at an end of the lambdas searched, or level."""
    if answer.missed:
        way = {"small": "upwards", "large": "downwards"}[answer.missed]
        return [_line("range", f"{REASONS[answer.missed]}; move low_range and high_range {way}")]
    lines = []
    for edge, key in EDGES:
        count = sum(edge in (trial.edge, trial.best.end) for trial in answer.trials)
        # A few of many trials are noise; half of them are a range that misses the minimum.
        if 2 * count >= len(answer.trials) and edge == "low" and _least(answer) == 0:
            of = _count(len(answer.trials), "trial")
            text = f"lowest at lambda = 0 in {count} of {of}: no penalty helps here"
            lines.append(_line("edge", text))
        elif 2 * count >= len(answer.trials):
            text = (
                f"lowest at the {edge} end of the search in {count} of "
                f"{_count(len(answer.trials), 'trial')}: move {key} outwards"
            )
            lines.append(_line("edge", text))
    return lines


def _least(answer: ImportanceAnswer) -> float:
    """The least lambda that any trial searched."""
    return min(float(trial.search.lambdas.min()) for trial in answer.trials)


def _verdict(said: Resolved, what: str, best: Interval | BestLambda, gain: Interval) -> str:
    if not said.resolved:
        return "the data do not decide which lambda is best."
    if np.isnan(best.estimate):
        return f"the data do not decide which lambda to use: {best.reason}."
    text = f"the {what} is {_number(best.estimate)}"
    if gain.high < 0:
        return f"{text}, which is worse than lambda = 0."
    if gain.low <= 0:
        return f"{text}, which is as good as lambda = 0: the interval of the gain holds 0."
    return f"{text}."


def _best(trial: TrialAnswer) -> str:
    best = trial.best
    if not np.isfinite(best.low):
        return f"{_number(best.estimate)} (no interval: {best.reason})"
    bounded = best.bounded_low or best.low == 0
    low = _number(best.low) if bounded else f"less than {_number(best.low)}"
    high = _number(best.high) if best.bounded_high else f"more than {_number(best.high)}"
    return f"{_number(best.estimate)} (95% interval {low} to {high}, over replicates)"


def _resolved(answer: TrialAnswer | ImportanceAnswer) -> str:
    said = answer.resolved
    if said.reason:
        return f"no: {said.reason}"
    trials = answer.trials if isinstance(answer, ImportanceAnswer) else (answer,)
    beyond = any(trial.search.went_beyond for trial in trials)
    ends = f"the ends of the {'whole search' if beyond else 'first grid'} are worse by "
    ends += f"{_errors(said.low_errors)} and {_errors(said.high_errors)} standard errors"
    needed = f"{_number(said.critical)} needed"
    return f"yes: {ends} ({needed})" if said.resolved else f"no: {ends} ({needed} at both)"


def _errors(value: float) -> str:
    return "infinitely many" if np.isposinf(value) else _number(value)


def _unit(answer: ImportanceAnswer) -> str:
    """Of what lambda is chosen by: answers by others are there where that is not the measure."""
    return "what lambda is chosen by" if answer.recommendation.others else "loss x epochs"


def _against(gain: Interval, distance: Interval, unit: str) -> list[str]:
    return [
        _line(label, f"{_interval(value)} {to}, in {unit}")
        if np.isfinite(value.estimate)
        else _line(label, f"not known: {value.reason}")
        for label, value, to in (
            ("gain", gain, "over lambda = 0"),
            ("distance", distance, "to joint training"),
        )
    ]


def _interval(value: Interval, over: str = "") -> str:
    if not np.isfinite(value.low):
        return f"{_number(value.estimate)} (no interval: {value.reason})"
    return f"{_number(value.estimate)} (95% interval {_ends(value)}{', ' if over else ''}{over})"


def _ends(value: Interval | Tolerance) -> str:
    # Nothing is less than 0 on a linear scale.
    low = f"{'less than ' * (value.open_low and value.low != 0)}{_number(value.low)}"
    return f"{low} to {'more than ' * value.open_high}{_number(value.high)}"


def _percent(share: float) -> str:
    return f"{100 * share + 0.0:.2g}%" if share < 0.995 else f"{100 * share:.0f}%"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
