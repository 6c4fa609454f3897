"""Results that were published as lists of (lambda, measure), one list per trial."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ewc_lambda.config.study_config import resolve
from ewc_lambda.errors import StudyError
from ewc_lambda.results.run_tables import Table, write_tables
from ewc_lambda.store.records import file_digest


def import_published(source: str | Path, target: str | Path, name: str) -> None:
    """Turn a JSON file of trials, each a list of [lambda, measure], into a study file.

    There is one replicate per lambda, one round per trial, no curves and no reference lines: the
    statistics say of it what can be said without them.

    Raises:
        StudyError: the file is not of that form.

    """
    trials = _read(Path(source))
    steps: Table = {"trial": [], "importance": [], "round": [], "step": [], "lambda": []}
    measures: list[float] = []
    for trial, points in enumerate(trials):
        for step, (value, measure) in enumerate(sorted(points)):
            steps["trial"].append(trial)
            steps["importance"].append("fisher")
            steps["round"].append(0)
            steps["step"].append(step)
            steps["lambda"].append(value)
            measures.append(measure)
    steps["measure"] = np.array(measures, dtype=float)[:, None]
    steps["diverged"] = ~np.isfinite(steps["measure"][:, 0])
    attributes = {
        "content": "study",
        "config": _config(name, trials),
        "tasks": {"names": []},
        "provenance": {
            "source": Path(source).name,
            "source_sha256": file_digest(source),
            "config": {},
        },
    }
    write_tables(target, {"steps": steps, "rounds": _rounds(trials)}, attributes)


def _config(name: str, trials: list[list[tuple[float, float]]]) -> dict[str, Any]:
    """What is known of how they were made; the file itself says nothing."""
    known = {
        "study": name,
        "trials": len(trials),
        "dataset": "mnist",
        "tasks": [[0, 1, 2], [3, 4, 5]],
        "replicates": 1,
        "randomness": "independent",
        "selection_split": "test",
        "spacing": "linear",
        "low_range": [0, 0],
        "high_range": [10, 20],
        "steps": max(4, *(len(points) for points in trials)),
        "max_rounds": 1,
        "save_weights": False,
    }
    return resolve(known)


def _rounds(trials: list[list[tuple[float, float]]]) -> Table:
    best = [min(points, key=lambda point: (point[1], point[0])) for points in trials]
    n = len(trials)
    return {
        "trial": list(range(n)),
        "importance": ["fisher"] * n,
        "round": [0] * n,
        "low": [min(points)[0] for points in trials],
        "high": [max(points)[0] for points in trials],
        "optimum": [point[0] for point in best],
        "optimum_step": [
            sorted(points).index(point) for points, point in zip(trials, best, strict=True)
        ],
        "next_low": [np.nan] * n,
        "next_high": [np.nan] * n,
        "stop": ["max_rounds is reached"] * n,
    }


def _read(path: Path) -> list[list[tuple[float, float]]]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, list) or not content:
        raise StudyError(f"{path}: must be a list of trials, each a list of [lambda, measure]")
    return [_trial(path, number, points) for number, points in enumerate(content)]


def _trial(path: Path, number: int, points: Any) -> list[tuple[float, float]]:
    where = f"{path}: trial {number}"
    if not isinstance(points, list) or len(points) < 2:
        raise StudyError(f"{where} must be a list of at least two [lambda, measure]")
    found = []
    for point in points:
        pair = isinstance(point, list) and len(point) == 2
        if not pair or not all(_is_number(value) for value in point):
            raise StudyError(f"{where}: {point!r} is not [lambda, measure]")
        if not math.isfinite(point[0]) or point[0] < 0:
            raise StudyError(f"{where}: lambda = {point[0]!r} must be a number of at least 0")
        found.append((float(point[0]), float(point[1])))
    if len({value for value, _ in found}) < len(found):
        raise StudyError(f"{where}: a lambda stands there twice")
    return found


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # An integer of JSON can be beyond all floating-point numbers.
    return isinstance(value, float) or abs(value) <= sys.float_info.max
