"""Lines on what a study cost, and whether it is as sure as was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ewc_lambda.inference.new_network import trials_needed
from ewc_lambda.results.criteria import MEASURE
from ewc_lambda.results.decided import targets
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import ALL_TRIALS, STOPPED, SURE
from ewc_lambda.search.scout import LAMBDAS, is_auto

UNFINISHED = "Not finished: all of this is of what there is. Missing:"

# Of each key: where looks have its widths, and of what.
_OF = {
    "target_width": ("widths", "the interval"),
    "target_gain": ("gains", "the interval of the gain"),
}


def cost_line(study: Study) -> str:
    """How many trainings the answer took: members at a lambda, and of the reference lines."""
    steps = study.steps.assign(members=study.replicates("steps"))
    # With common random numbers a lambda that is met again is not trained again.
    if study.config["randomness"] == "common":
        steps = steps.drop_duplicates(["trial", "importance", "lambda"])
    lines = int(study.replicates("references").sum()) if len(study.references) else 0
    beside = f", and {lines} of the reference lines" if lines else ""
    scouted = len(LAMBDAS) * len(study.importances) if is_auto(study.config) else 0
    beside += f"; {scouted} scouted for the range" if scouted else ""
    return f"Cost: {int(steps['members'].sum())} trainings at a lambda{beside}."


def stopping_lines(study: Study) -> list[str]:
    """What is missing of a study that is not finished; else why it has as many trials as it has,
    and nothing where that was fixed.
    """
    if study.unfinished:
        return [UNFINISHED, *(f"  {line}" for line in study.unfinished)]
    if not study.looks:
        return []
    last, asked = study.looks[-1], targets(study.config)
    trials = f"{last['trials']} trials"
    said = "; ".join(_said(study, last, key, target) for key, target in asked.items())
    if last["stop"] in SURE:
        return [f"Sure enough after {trials}: {said}."]
    if last["stop"] != ALL_TRIALS:
        # What it asked for besides may be known.
        beside = f"; {said}" if len(asked) > 1 else ""
        return [f"Ended after {trials}: {last['stop']}{beside}."]
    needed = [_needed(last, key, target) for key, target in asked.items()]
    most = max(n or 0 for n in needed)
    way = f"; about {most} would do: --config trials={most}" if all(needed) else ""
    return [f"Not as sure as asked: after {trials} {said}{way}."]


def _widest(last: Mapping[str, Any], key: str) -> float | str | None:
    """How wide the widest interval that counts is: "open" at an end, None where there is none."""
    known = [width for width in last[_OF[key][0]].values() if width is not None]
    return "open" if "open" in known else max(known, default=None)


def _said(study: Study, last: Mapping[str, Any], key: str, target: float) -> str:
    """How wide an interval is, and how wide it may be."""
    width, what = _widest(last, key), _OF[key][1]
    if key == "target_gain":
        unit = " loss x epochs" if study.select_by == MEASURE else ""
    else:
        unit = " decades" if study.log else ""
    if width is None:
        return f"{what} is not known, at most {target:g}{unit} were asked for ({key})"
    if width == "open":
        return f"{what} is open at an end, at most {target:g}{unit} were asked for ({key})"
    digits = 3 if key == "target_gain" else 2
    return f"{what} is {width:.{digits}g}{unit} wide, {target:g} were asked for ({key})"


def _needed(last: Mapping[str, Any], key: str, target: float) -> int | None:
    """How many trials would do, at the spread of those there are; None where that is not known."""
    width = _widest(last, key)
    if width is None or isinstance(width, str):
        return None
    if width <= target:
        return int(last["trials"])
    return trials_needed(last["trials"], target / width, STOPPED)
