"""Lines on what a study cost, and whether it is as sure as was asked."""

from __future__ import annotations

from ewc_lambda.inference.new_network import trials_needed
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import ALL_TRIALS, NARROW, STOPPED
from ewc_lambda.search.scout import LAMBDAS, is_auto

UNFINISHED = "Not finished: all of this is of what there is. Missing:"


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
    last, target = study.looks[-1], study.config["target_width"]
    unit = " decades" if study.log else ""
    trials = f"{last['trials']} trials"
    if last["stop"] == NARROW:
        width = max(w for w in last["widths"].values() if w is not None)
        return [
            f"Sure enough after {trials}: the interval is {width:.2g}{unit} wide, {target:g} were "
            f"asked for (target_width)."
        ]
    if last["stop"] != ALL_TRIALS:
        return [f"Ended after {trials}: {last['stop']}."]
    known = [w for w in last["widths"].values() if w is not None]
    if "open" in known:
        return [
            f"Not as sure as asked: after {trials} the interval is open at an end, at most "
            f"{target:g}{unit} were asked for (target_width)."
        ]
    needed = trials_needed(last["trials"], target / max(known), STOPPED)
    way = f"; about {needed} would do: --config trials={needed}" if needed else ""
    return [
        f"Not as sure as asked: after {trials} the interval is {max(known):.2g}{unit} wide, "
        f"{target:g} were asked for (target_width){way}."
    ]
