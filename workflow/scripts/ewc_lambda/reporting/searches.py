"""The searches of a study file: what each trial trained for an importance measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ewc_lambda.results.criteria import CRITERIA, MEASURE
from ewc_lambda.results.study_file import Study

Floats = NDArray[np.float64]

LEVEL = 0.95


@dataclass(frozen=True)
class Search:
    """All lambdas of one trial and importance measure: lambdas (S,) and measures (R, S) of all
    rounds, and of round 0 alone; infinite where diverged, NaN where dropped in a race. ``wide`` are
    those of round 0 and of the rounds by which the search went beyond what it had: their ends are
    those of the search. ``errors`` (R, S) are 1 - final average accuracy, NaN where not recorded.
    Where lambda is chosen by another thing than the measure, ``others`` (R, S) are what it is not
    chosen by, by name.
    """

    trial: int
    importance: str
    lambdas: Floats
    measures: Floats
    first_lambdas: Floats
    first_measures: Floats
    wide_lambdas: Floats
    wide_measures: Floats
    errors: Floats
    others: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def first_ends(self) -> tuple[float, float]:
        """Lowest and highest lambda of round 0."""
        return float(self.first_lambdas.min()), float(self.first_lambdas.max())

    @property
    def went_beyond(self) -> bool:
        """Whether the search went beyond the ends of round 0 (`expand_at_edge`)."""
        return len(self.wide_lambdas) > len(self.first_lambdas)


def spacing(study: Study) -> str:
    """Scale on which lambda was searched: log or linear."""
    return "log" if study.log else "linear"


def searches(study: Study, importance: str) -> list[Search]:
    """The searches of an importance measure, one for each trial that the file holds."""
    found = []
    for trial in study.trials:
        steps = study.steps
        rows = steps[(steps["trial"] == trial) & (steps["importance"] == importance)]
        if rows.empty:
            continue
        first, wide = rows[rows["round"] == 0], rows[rows["round"].isin(_outward(rows))]
        measures = study.measures(rows).T
        found.append(
            Search(
                trial,
                importance,
                rows["lambda"].to_numpy(dtype=float),
                measures,
                first["lambda"].to_numpy(dtype=float),
                study.measures(first).T,
                wide["lambda"].to_numpy(dtype=float),
                study.measures(wide).T,
                _errors(study, rows, measures),
                _others(study, rows, measures),
            )
        )
    return found


def _others(study: Study, rows: pd.DataFrame, measures: Floats) -> dict[str, Floats]:
    if study.select_by == MEASURE:
        return {}
    found = {}
    for name in CRITERIA:
        if name == study.select_by:
            continue
        table = np.full_like(measures, np.nan)
        for column, row in enumerate(rows.index.to_numpy()):
            value = study.judged(row, name)
            if value is not None:
                table[: len(value), column] = value
        found[name] = np.where(np.isfinite(measures), table, measures)
    return found


def _outward(rows: pd.DataFrame) -> list[int]:
    """Rounds of a search that went beyond the lambdas of those before, and round 0."""
    kept: list[int] = []
    low, high = np.inf, -np.inf
    for number, each in rows.groupby("round")["lambda"]:
        # An end that returns in the next round may differ in the last digit.
        if each.min() < low * (1 - 1e-9) or each.max() > high + 1e-9 * abs(high):
            kept.append(int(str(number)))
            low, high = min(low, each.min()), max(high, each.max())
    return kept


def _errors(study: Study, rows: pd.DataFrame, measures: Floats) -> Floats:
    """1 - final average accuracy (R, S), infinite and NaN where the measure is."""
    found = np.full_like(measures, np.nan)
    stored = study.tables["steps"].get("accuracy")
    if stored is not None:
        last = np.asarray(stored)[rows.index.to_numpy(), :, -1].astype(float).mean(axis=-1)
        found[: last.shape[1]] = 1 - last.T
    return np.where(np.isfinite(measures), found, measures)
