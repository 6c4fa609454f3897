"""A look into a user's own arrays before anything is planned: what does not serve is said at once,
in a dry-run, too, and not by the first job.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ewc_lambda.data.scenarios import Scenario, build_scenario
from ewc_lambda.data.sources.npz import find_file

LARGEST = 2**28
"""Bytes of a file that is read twice: a second or two."""


def look_ahead(config: Mapping[str, Any]) -> list[str]:
    """What an npz file holds, a line for each task; nothing for other data sets and large files.

    Raises:
        StudyError: the file does not serve, as the job that reads it would say.

    """
    if config["dataset"] != "npz":
        return []
    path = find_file(config)
    if path.stat().st_size > LARGEST:
        return []
    return _lines(path, build_scenario(config))


def _lines(path: Path, scenario: Scenario) -> list[str]:
    shape = " x ".join(map(str, scenario.input_shape))
    lines = [f"{path}: {scenario.kind}, samples of {shape} values."]
    for task in scenario.tasks:
        sizes = ", ".join(f"{len(y)} {split}" for split, (_, y) in task.splits.items())
        lines.append(f"  {task.name}: {sizes}")
    return lines
