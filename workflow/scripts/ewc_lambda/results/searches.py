"""The searches of a study file: what each trial trained for an importance measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ewc_lambda.inference.across_trials import at_ends, study_gain
from ewc_lambda.inference.best_lambda import Interval, best_lambda, scaled
from ewc_lambda.inference.mean_curve import Curves, fitted_curves, lambda_to_use
from ewc_lambda.results.criteria import CRITERIA, MEASURE
from ewc_lambda.results.decided import targets
from ewc_lambda.results.kinds import REFERENCES
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import LEVEL, STOPPED

Floats = NDArray[np.float64]

LINES = {"finetuning": "lambda = 0", "joint": "joint training"}
"""The reference lines, in words."""


def across_level(study: Study) -> float:
    """Nominal level of the interval of the lambda to use that holds 95% over trials: a study that
    stopped by its width asks for more.
    """
    return STOPPED if "target_width" in targets(study.config) else LEVEL


def gain_level(study: Study) -> float:
    """That of the interval of the gain over lambda = 0, likewise."""
    return STOPPED if "target_gain" in targets(study.config) else LEVEL


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


def interval_width(study: Study, importance: str) -> float:
    """How wide the interval of the lambda to use is, on the scale of the search: infinite where it
    is open or there is none yet, NaN where half of the trials have no minimum inside.
    """
    found, scale = searches(study, importance), spacing(study)
    ends = [best_lambda(s.lambdas, s.measures, scale, s.first_ends, LEVEL).end for s in found]
    if at_ends(ends):
        return float("nan")
    use = lambda_to_use(curves_of(study, found), across_level(study))
    if use.open_low or use.open_high or not np.isfinite([use.low, use.high]).all():
        return float("inf")
    return float(np.ptp(scaled(np.array([use.low, use.high]), scale)))


def gain_width(study: Study, importance: str) -> float:
    """How wide the interval of the gain over lambda = 0 is, in units of what lambda is chosen by:
    NaN where it has none.
    """
    found = gain_over(study, searches(study, importance), REFERENCES[0], gain_level(study))
    return found.high - found.low


def gain_over(study: Study, found: Sequence[Search], line: str, level: float) -> Interval:
    """Gain of some trials over a reference line, with its interval over trials."""
    lines = [study.reference(search.trial, line) for search in found]
    there = [each for each in lines if each is not None]
    nan = float("nan")
    if len(there) < len(lines):
        reason = f"no reference line {LINES[line]}"
        return Interval(nan, nan, nan, len(lines), level, reason)
    if len(found) == 1 and len(found[0].measures) == 1:
        return Interval(nan, nan, nan, 1, level, "one replicate of one trial only")
    return study_gain(
        [search.wide_lambdas for search in found],
        [search.wide_measures for search in found],
        [search.measures for search in found],
        there,
        spacing(study),
        level,
    )


def curves_of(study: Study, found: Sequence[Search]) -> Curves:
    """The fitted curves of some trials."""
    return fitted_curves(
        [search.lambdas for search in found],
        [search.measures for search in found],
        [search.first_ends for search in found],
        spacing(study),
        shares=study.shares,
    )


def reach(found: Sequence[Search]) -> tuple[float, float]:
    """Lowest and highest lambda that any of some searches trained."""
    lambdas = np.concatenate([search.lambdas for search in found])
    return float(lambdas.min()), float(lambdas.max())


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
