"""The field's metrics of the chosen lambda, lambda = 0 and joint training, on both splits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ewc_lambda.inference.best_lambda import mean_interval
from ewc_lambda.inference.metrics import (
    accuracy_matrix,
    average_accuracy,
    backward_transfer,
    forgetting,
    forward_transfer,
)
from ewc_lambda.results.searches import LINES
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import LEVEL

Floats = NDArray[np.float64]
Row = dict[str, Any]

LOSS = "average task loss"
ACCURACY = "average accuracy"
FORGETTING = "forgetting (maximum minus last)"
BACKWARD = "backward transfer"
FORWARD = "forward transfer"
NO_TASK = "one task only"
LAST_ONLY = "the test split is used once, after the last task"


def metric_rows(study: Study) -> list[Row]:
    """Rows of the table: every line, metric and split, of each trial and as a mean over trials.

    A trial's interval is over its replicates; that of the mean over trials is over trials. Losses
    are averages over samples, accuracies shares of them, and so are differences of accuracies.
    """
    rows = []
    for (importance, line), runs in _lines(study).items():
        values = [_values(study, *run) for run in runs]
        trials = [trial for trial, _, _ in runs]
        for metric, split in _cells(study):
            each = [found.get((metric, split)) for found in values]
            label = {"importance": importance, "line": line}
            what = {"metric": metric, "split": split}
            for trial, replicates in zip(trials, each, strict=True):
                rows.append(label | {"trial": str(trial)} | what | _cell(replicates, study, what))
            means = [np.nan if v is None else float(v.mean()) for v in each]
            whole = None if any(v is None for v in each) else np.array(means)
            rows.append(label | {"trial": "all"} | what | _cell(whole, study, what, "trial"))
    return rows


def _lines(study: Study) -> dict[tuple[str, str], list[tuple[int, str, int]]]:
    """Runs (trial, table, row) by importance measure and line."""
    found: dict[tuple[str, str], list[tuple[int, str, int]]] = {}
    for name in study.importances:
        for trial, row in _chosen(study, name):
            found.setdefault((name, "chosen lambda"), []).append((trial, "steps", row))
    for reference, line in LINES.items():
        lines = study.references
        if not lines.empty:
            for row in lines.index[lines["reference"] == reference]:
                trial = int(lines["trial"].to_numpy()[row])
                found.setdefault(("", line), []).append((trial, "references", int(row)))
    return found


def _chosen(study: Study, importance: str) -> Iterator[tuple[int, int]]:
    """Row of the step of lowest mean measure of each trial, where not all diverged."""
    steps = study.steps[study.steps["importance"] == importance]
    for trial in study.trials:
        best = study.best_row(steps[steps["trial"] == trial])
        if best is not None:
            yield trial, best


def _cells(study: Study) -> list[tuple[str, str]]:
    split = str(study.config["selection_split"])
    cells = []
    for metric in (LOSS, ACCURACY, FORGETTING, BACKWARD, FORWARD):
        cells.append((metric, split))
        if split != "test":
            cells.append((metric, "test"))
    return cells


def _values(study: Study, trial: int, table: str, row: int) -> dict[tuple[str, str], Floats]:
    """Metrics (replicates,) of a run by metric and split, those that its curves allow."""
    split = str(study.config["selection_split"])
    found: dict[tuple[str, str], Floats] = {}
    if "loss" in study.tables[table]:
        found[LOSS, split] = study.curves(table, row, "loss")[:, -1].mean(axis=-1)
        accuracy = study.curves(table, row, "accuracy")
        table_of = accuracy_matrix(accuracy, study.evaluations_per_task)
        found[ACCURACY, split] = average_accuracy(table_of)
        found[FORGETTING, split] = forgetting(table_of)
        found[BACKWARD, split] = backward_transfer(table_of)
        found[FORWARD, split] = forward_transfer(table_of, accuracy[..., 0, :])
    tested = _tested(study, trial, table, row)
    if tested is not None and split != "test":
        found[LOSS, "test"], found[ACCURACY, "test"] = tested
    return found


def _tested(study: Study, trial: int, table: str, row: int) -> tuple[Floats, Floats] | None:
    """Average loss and accuracy (replicates,) on the test split, if it was used for this run."""
    if table == "steps":
        tests, step = study.tests, study.steps.loc[row]
        if tests.empty:
            return None
        same = pd.Series(True, index=tests.index)
        for name in ("trial", "importance", "round", "step"):
            same &= tests[name] == step[name]
        if not same.any():
            return None
        table, row = "tests", int(tests.index[same][0])
    if "test_loss" not in study.tables[table]:
        return None
    loss, accuracy = (
        np.asarray(study.tables[table][name][row], dtype=float).mean(axis=-1)
        for name in ("test_loss", "test_accuracy")
    )
    return loss, accuracy


def _cell(values: Floats | None, study: Study, what: Row, unit: str = "replicate") -> Row:
    nan = float("nan")
    reason = ""
    if values is None:
        reason = "not recorded"
        if what["split"] == "test" and what["metric"] not in (LOSS, ACCURACY):
            reason = LAST_ONLY
    elif np.isnan(values).all():
        differences = (FORGETTING, BACKWARD, FORWARD)
        alone = len(study.tasks) < 2 and what["metric"] in differences
        reason = NO_TASK if alone else "no accuracy in a regression" * (what["metric"] != LOSS)
    if reason or values is None:
        return _numbers(nan, nan, nan, nan, 0, reason)
    found = mean_interval(values, LEVEL, unit)
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else nan
    return _numbers(found.estimate, error, found.low, found.high, found.n, found.reason)


def _numbers(mean: float, error: float, low: float, high: float, n: int, reason: str) -> Row:
    return {
        "mean": mean,
        "error": error,
        "low": low,
        "high": high,
        "n": n,
        "missing_because": reason,
    }
