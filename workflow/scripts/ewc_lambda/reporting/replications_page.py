"""The page of replications: a text with places, which tables from committed studies fill."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ewc_lambda.errors import StudyError
from ewc_lambda.inference.against_published import ERRORS, Mean, of_trials
from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.inference.reach import REASONS
from ewc_lambda.inference.resolving import Resolved
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.reporting.bayes_units import bayes_table
from ewc_lambda.reporting.halving import halving_table
from ewc_lambda.reporting.replications import Compared, compare, curve
from ewc_lambda.reporting.shifts import shifts_table
from ewc_lambda.results.targets import read_targets

_PLACE = re.compile(r"^\{\{(\w+)(?: (\w+(?: \w+)*))?\}\}$", re.MULTILINE)
_ERRORS = dict(zip(ERRORS, ("standard deviation", "standard error", "95%", "as read"), strict=True))


def replications(folder: str | Path, reference: str | Path) -> str:
    """The page as Markdown: ``folder``/page.md with each place ``{{what NAME ...}}`` filled from
    ``folder``/targets.csv and the study files in ``reference``.

    Raises:
        StudyError: a row of the targets is answered by no study, or a place stands for nothing.

    """
    own = Path(reference, "replications")
    found = compare(read_targets(Path(folder, "targets.csv")), own)
    fill: Mapping[str, Callable[[str], str]] = {
        "targets": lambda source: _targets([c for c in found if c.target.source == source]),
        "study": lambda name: _study(own / name / "study.h5"),
        "bayes": lambda _: bayes_table(Path(reference)),
        "shifts": lambda name: shifts_table(name.split(), own, Path(folder, "fisher_sizes.csv")),
        "halving": lambda name: halving_table(own / name / "study.h5"),
    }

    def filled(place: re.Match[str]) -> str:
        what, name = place.groups()
        if what not in fill:
            raise StudyError(f"page.md: {place.group()} stands for nothing.")
        return fill[what](name or "")

    return _PLACE.sub(filled, Path(folder, "page.md").read_text())


def _targets(found: list[Compared]) -> str:
    lines = [
        "| | published | ours | ours - published (95%) | |",
        "|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(_cells(each)) + " |" for each in found]
    return "\n".join(lines)


def _cells(each: Compared) -> tuple[str, ...]:
    of = each.target
    at = "" if math.isnan(of.lambda_) else f" at lambda {of.lambda_:g}"
    what = f"{of.study}, {of.importance or 'lambda = 0'}: {of.quantity}{at}"
    if of.quantity == "best lambda":
        ours = _mean(each.ours, power=True)
        apart = f"{_apart(each.apart)} decades"
        return what, f"{of.published:g} ± {of.error:g} decades", ours, apart, each.verdict
    error = f"± {of.error:g} ({_ERRORS[of.error_is]}, {of.runs} runs)"
    return what, f"{of.published:g} {error}", _mean(each.ours), _apart(each.apart), each.verdict


def _mean(value: Mean, power: bool = False) -> str:
    if math.isnan(value.value):
        return "not in the grid"
    shown = f"{10**value.value:.3g}" if power else f"{value.value:.2f}"
    if math.isnan(value.half):
        return f"{shown} (one trial)"
    ends = (value.value - value.half, value.value + value.half)
    low, high = (f"{10**end:.3g}" if power else f"{end:.2f}" for end in ends)
    return f"{shown} ({low} to {high}; {value.n} trials)"


def _apart(value: Mean) -> str:
    if math.isnan(value.value):
        return ""
    return f"{value.value:+.2f}" + ("" if math.isnan(value.half) else f" ± {value.half:.2f}")


def _study(path: Path) -> str:
    """Command, accuracies by lambda, and what the study says of itself."""
    if not path.exists():
        return f"`make replications STUDIES={path.parent.name}`: prepared, and not run yet."
    study = open_study(path)
    name = study.name
    count = len(study.trials)
    lines = [
        f"`make replications STUDIES={name}`: {count} trial{'s' * (count > 1)}, "
        f"{len(study.steps)} lambda steps.",
        "",
    ]
    answers = {answer.importance: answer for answer in answer_study(study)}
    for importance in study.importances:
        of = curve(study, importance)
        columns = [] if of.plain is None else [("0", of.plain)]
        values = zip(of.lambdas, of.accuracies.T, strict=True)
        columns += [(f"{value:.3g}", accuracies) for value, accuracies in values]
        lines += [
            "| lambda | " + " | ".join(head for head, _ in columns) + " |",
            "|---|" + "---|" * len(columns),
            f"| {importance}, % | " + " | ".join(_with_sd(a) for _, a in columns) + " |",
            "",
        ]
        answer = answers[importance]
        lines += [f"{_resolved(answer.resolved, answer.missed)}{_gain(answer.gain)}", ""]
    return "\n".join(lines).rstrip()


def _with_sd(values: np.ndarray) -> str:
    mean = of_trials(values)
    return f"{mean.value:.2f}" + ("" if math.isnan(mean.sd) else f" ± {mean.sd:.2f}")


def _gain(gain: Interval) -> str:
    """What the best lambda gains over lambda = 0 by the study's own statistics, in percent; each
    trial at the lambda that the others find best.
    """
    if gain.reason:
        return ""
    mean, low, high = (100 * value for value in (gain.estimate, gain.low, gain.high))
    return f" Gain over lambda = 0: {mean:.2f} ({low:.2f} to {high:.2f})."


def _resolved(said: Resolved, missed: str) -> str:
    """Whether a study is resolved, and why not."""
    if said.resolved:
        return "Resolved: yes."
    ends = (
        f"the low end is worse than the best by {said.low_errors:.1f} standard errors and the high "
        f"end by {said.high_errors:.1f}, {said.critical:.1f} are needed"
    )
    return f"Resolved: no. {REASONS.get(missed) or said.reason or ends}."
