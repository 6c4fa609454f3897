"""A look into a user's own arrays before anything is planned: what does not serve is said at once,
in a dry-run, too, and not by the first job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ewc_lambda.data.scenarios import Scenario, build_scenario
from ewc_lambda.data.sources import DATASETS
from ewc_lambda.data.sources.mixed_tasks import task_sources
from ewc_lambda.data.sources.npz import find_file

LARGEST = 2**28
"""Bytes of a file that is read twice: a second or two."""


def look_ahead(config: Mapping[str, Any]) -> list[str]:
    """What npz files hold, a line for each task; nothing where a task is of another data set
    or files are large.

    Raises:
        StudyError: a file does not serve, as the job that reads it would say.

    """
    sources = task_sources(config, DATASETS)
    if any(source.info.name != "npz" for source in sources):
        return []
    # A file that several tasks name is read once.
    paths = list(dict.fromkeys(find_file(source.config) for source in sources))
    if sum(path.stat().st_size for path in paths) > LARGEST:
        return []
    return _lines(paths, build_scenario(config))


def _lines(paths: Sequence[Path], scenario: Scenario) -> list[str]:
    files = ", ".join(map(str, paths))
    shape = " x ".join(map(str, scenario.input_shape))
    lines = [f"{files}: {scenario.kind}, samples of {shape} values."]
    for task in scenario.tasks:
        sizes = ", ".join(f"{len(y)} {split}" for split, (_, y) in task.splits.items())
        lines.append(f"  {task.name}: {sizes}")
    return lines
