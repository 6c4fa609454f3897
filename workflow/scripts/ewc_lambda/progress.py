"""How far a study is, from the files that it has written so far."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ewc_lambda.errors import StudyError
from ewc_lambda.records import read_json


def progress_lines(folder: str | Path, config: Mapping[str, Any]) -> list[str]:
    """A line per search: rounds decided, steps trained in the running one, the best lambda so far.

    ``folder`` is the study's, ``config`` its resolved config. A search ends when its bracket is
    narrow enough, so how many rounds are left is not known before.
    """
    lines = []
    for trial in range(config["trials"]):
        for measure in config["importance"]:
            search = Path(folder) / f"trial_{trial}" / measure
            lines.append(f"trial {trial}, {measure}: {_state(search, config['steps'])}")
    return lines


def _state(search: Path, steps: int) -> str:
    decisions: list[dict[str, Any]] = []
    while (path := search / f"round_{len(decisions)}" / "decision.json").exists():
        try:
            decisions.append(read_json(path))
        except StudyError as error:
            return str(error)
    trained = len(list((search / f"round_{len(decisions)}").glob("step_*.h5")))
    if decisions and decisions[-1]["stop"] is not None:
        state = f"finished after {_count(len(decisions), 'round')} ({decisions[-1]['stop']})"
    elif decisions or trained:
        state = f"round {len(decisions)}, {trained} of {steps} steps"
    else:
        return "not begun"
    found = [
        (measure, value)
        for decision in decisions
        for measure, value in zip(decision["measures"], decision["lambdas"], strict=True)
        if measure is not None
    ]
    if found:
        measure, value = min(found)
        state += f"; best so far lambda = {value:.4g} (measure {measure:.4g})"
    return state


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
