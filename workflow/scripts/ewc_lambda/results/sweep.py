"""A sweep that somebody has run, as a study: a table with a row for each run.

The study file holds what the statistics need, and in its attribute ``sweep`` how the table was
taken: paired or not, names of measure, groups and trials, and notes for people. Its config says
nothing of how the runs were trained, which the table does not tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ewc_lambda.config.study_config import resolve
from ewc_lambda.results.run_tables import Table
from ewc_lambda.results.sweep_columns import find_columns
from ewc_lambda.results.sweep_runs import clean_runs, find_pairs, find_spacing, lower_is_better


@dataclass(frozen=True)
class Reading:
    """How to read a table. Columns by name; None: found by its name, or as the docs say."""

    lam: str | None = None
    metric: str | None = None
    seed: str | None = None
    trial: str | None = None
    group: str | None = None
    maximize: bool | None = None
    spacing: str | None = None
    paired: bool | None = None


def sweep_tables(
    table: pd.DataFrame, name: str, reading: Reading, origin: Mapping[str, str]
) -> tuple[dict[str, Table], dict[str, Any]]:
    """The tables and attributes of a study file, from a table with a row for each run.

    Raises:
        StudyError: what is wrong with the table, by column and row, and what to do.

    """
    where = origin["source"]
    columns, notes = find_columns(
        table,
        where,
        lam=reading.lam,
        metric=reading.metric,
        seed=reading.seed,
        trial=reading.trial,
        group=reading.group,
    )
    runs, said = clean_runs(table, columns, where)
    notes += said
    runs["measure"], label, said = lower_is_better(
        runs["measure"], columns.measure, reading.maximize
    )
    notes += said
    runs, spacing, said = find_spacing(runs, reading.spacing, where)
    notes += said
    runs, paired, how = find_pairs(runs, columns.seed, reading.paired, where)
    notes.append(how)
    groups = [name] if columns.group is None else [str(v) for v in runs["group"].unique()]
    runs["group"] = name if columns.group is None else runs["group"].astype(str)
    trials = sorted(runs["trial"].unique(), key=lambda label: (str(type(label)), label))
    runs["trial"] = runs["trial"].map({label: number for number, label in enumerate(trials)})
    steps = _steps(runs)
    attributes = {
        "content": "study",
        "config": _config(name, steps, len(trials), spacing, paired),
        "tasks": {"names": []},
        # The config says nothing of how the runs were trained.
        "provenance": {**origin, "config": {}},
        "sweep": {
            "paired": paired,
            "measure": label,
            "groups": groups,
            "trials": [str(label) for label in trials],
            "notes": notes,
        },
    }
    return {"steps": steps, "rounds": _rounds(steps)}, attributes


def _steps(runs: pd.DataFrame) -> Table:
    """A row for each group, trial and lambda; runs in the order of their seeds, NaN below them."""
    most = int(runs.groupby(["group", "trial", "lambda"]).size().max())
    steps: Table = {name: [] for name in ("trial", "importance", "round", "step", "lambda")}
    measures, counts = [], []
    for (group, trial), search in runs.groupby(["group", "trial"], sort=False):
        for step, (lam, own) in enumerate(search.groupby("lambda")):
            values = own.sort_values(["seed", "row"])["measure"].to_numpy()
            for column, value in zip(steps, (trial, group, 0, step, lam), strict=True):
                steps[column].append(value)
            measures.append(np.pad(values, (0, most - len(values)), constant_values=np.nan))
            counts.append(len(values))
    steps["measure"] = np.array(measures)
    steps["replicates"] = counts
    steps["diverged"] = np.isinf(steps["measure"]).any(axis=1)
    return steps


def _config(name: str, steps: Table, trials: int, spacing: str, paired: bool) -> dict[str, Any]:
    low, high = float(min(steps["lambda"])), float(max(steps["lambda"]))
    known = {
        "study": name,
        "trials": trials,
        "replicates": max(steps["replicates"]),
        "randomness": "common" if paired else "independent",
        "selection_split": "test",
        "spacing": spacing,
        "low_range": [low, low],
        "high_range": [high, high],
        "steps": max(4, 1 + max(steps["step"])),
        "max_rounds": 1,
        "save_weights": False,
    }
    return resolve(known)


def _rounds(steps: Table) -> Table:
    """A round for each search: all its lambdas."""
    frame = pd.DataFrame({name: steps[name] for name in ("trial", "importance", "step", "lambda")})
    count = np.array(steps["replicates"])
    total = np.where(np.isnan(steps["measure"]), 0.0, steps["measure"]).sum(axis=1)
    frame["mean"] = total / count
    rounds: Table = {
        name: []
        for name in ("trial", "importance", "round", "low", "high", "optimum", "optimum_step")
    }
    for (group, trial), search in frame.groupby(["importance", "trial"], sort=False):
        at, best = search["lambda"].to_numpy(), int(search["mean"].to_numpy().argmin())
        row = (trial, group, 0, at.min(), at.max(), at[best], best)
        for column, value in zip(rounds, row, strict=True):
            rounds[column].append(value)
    n = len(rounds["trial"])
    nothing = [np.nan] * n
    return {**rounds, "next_low": nothing, "next_high": nothing, "stop": ["all lambdas given"] * n}
