"""The tables of a study file and of a search's: runs as columns, joined, written and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.results.criteria import MEASURE
from ewc_lambda.results.runs import Run
from ewc_lambda.store.provenance import recipe_of
from ewc_lambda.store.records import read_hdf5, write_hdf5

TABLES = {
    "steps": "one row per lambda step",
    "first_tasks": "one row per trial: what all its steps share (common random numbers)",
    "references": "one row per trial and reference line",
    "tests": "one row per search: its chosen lambda on the test split",
    "rounds": "one row per round of a search",
}
_AXES = {
    "measure": "row, replicate",
    "judged": "row, replicate; what lambda is chosen by (select_by), lower is better",
    "loss": "row, replicate, evaluation, task",
    "accuracy": "row, replicate, evaluation, task",
    "penalty": "row, replicate, evaluation",
    "test_loss": "row, replicate, task",
    "test_accuracy": "row, replicate, task",
    "replicates": "row; how many were trained, NaN stands for the others",
}
_TEXT = ("importance", "reference", "stop", "sha256", "arithmetic")

Table = dict[str, Any]


def run_table(
    runs: Sequence[Run], seals: Sequence[str], skip: int = 0, select_by: str = MEASURE
) -> Table:
    """Runs as columns: labels, measure, curves in float32, the seals of their files, and how they
    were computed.

    ``skip`` evaluations at the start of each curve are left out: those of the first task, where
    all runs of a trial share it. Runs that a race left with fewer replicates are filled up with
    NaN. Where runs are judged by another thing than the measure (``select_by``), it stands beside.
    """
    if not runs:
        return {}
    table: Table = {name: [run.labels[name] for run in runs] for name in runs[0].labels}
    table["sha256"] = list(seals)
    table["arithmetic"] = [run.arithmetic for run in runs]
    table["diverged"] = [run.diverged for run in runs]
    table["replicates"] = [len(run.measure) for run in runs]
    table["measure"] = _stacked([run.measure for run in runs])
    if select_by != MEASURE:
        table["judged"] = _stacked([run.judged(select_by) for run in runs])
    for name in ("loss", "accuracy", "penalty"):
        curves = _stacked([getattr(run, name)[:, skip:] for run in runs])
        table[name] = curves.astype(np.float32)
    tested = [
        (run.test_loss, run.test_accuracy)
        for run in runs
        if run.test_loss is not None and run.test_accuracy is not None
    ]
    if len(tested) == len(runs):
        table["test_loss"], table["test_accuracy"] = (
            _stacked(values) for values in zip(*tested, strict=True)
        )
    return table


def joined(tables: Sequence[Table]) -> Table:
    """Tables of the same columns, one below the other; empty ones count for nothing."""
    full = [table for table in tables if table]
    if not full:
        return {}
    return {name: _concatenated([np.asarray(table[name]) for table in full]) for name in full[0]}


def _stacked(values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return _concatenated([each[None] for each in values])


def _concatenated(tables: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Rows below each other, all with as many replicates (axis 1) as the longest."""
    if tables[0].ndim > 1:
        most = max(table.shape[1] for table in tables)
        tables = [_widened(table, most) for table in tables]
    return np.concatenate(tables)


def _widened(table: NDArray[Any], replicates: int) -> NDArray[Any]:
    missing = [(0, 0)] * table.ndim
    missing[1] = (0, replicates - table.shape[1])
    return np.pad(table, missing, constant_values=np.nan) if missing[1][1] else table


def write_tables(
    path: str | Path,
    tables: Mapping[str, Table],
    attributes: Mapping[str, Any],
    origin: Mapping[str, str] | None = None,
) -> None:
    """Write tables as groups of a sealed file, a dataset per column. In a study's own files the
    attribute ``provenance`` says what made them, and ``origin`` what they were made from.
    """
    content: dict[str, Any] = {}
    for group, table in tables.items():
        for column, values in table.items():
            notes = {"axes": _AXES.get(column, "row"), "table": TABLES.get(group, "")}
            data = [str(v) for v in values] if column in _TEXT else np.asarray(values)
            content[f"{group}/{column}"] = (data, notes)
    recipe = "" if origin is None else recipe_of(attributes["provenance"])
    write_hdf5(path, content, attributes, recipe, origin)


def read_tables(path: str | Path) -> tuple[dict[str, Table], dict[str, Any]]:
    """What `write_tables` wrote: tables by name, and the file's attributes."""
    content, attributes = read_hdf5(path)
    tables: dict[str, Table] = {}
    for name, values in content.items():
        group, _, column = name.rpartition("/")
        tables.setdefault(group, {})[column] = values
    return tables, attributes
