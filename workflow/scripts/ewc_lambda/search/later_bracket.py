"""The bracket of later trials: around what the first ones found.

On the scale of the search (log10(lambda), or lambda), with m where the mean curve over the first
trials is lowest (`mean_curve`), b_t the lambda that first trial t chose and w the mean width of the
brackets that were drawn, it is

    m +- max(w / 4, |b_t - m| + w / 10 of the b_t that is farthest from m)

Farther apart, few lambdas leave fitted curves biased; closer together, what all trials searched may
end inside the interval, which is then open (docs/decisions.md). All functions are pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ewc_lambda.search.rounds import Bracket, from_scale, rounded, to_scale, width

REACH = 0.25
"""Half of a later bracket, as a share of those that were drawn."""

SHOULDER = 0.1
"""What it reaches at least beyond the first trials' best lambdas, likewise."""


@dataclass(frozen=True)
class Found:
    """What a first trial found: the bracket that was drawn, the lambda of lowest measure, and all
    lambdas with their measures, (S,) each, those of its first round before the others.
    """

    drawn: Bracket
    best: float
    lambdas: tuple[float, ...]
    measures: tuple[float, ...]


def found_by(decided: Sequence[Mapping[str, Any]]) -> Found | None:
    """What a first trial's decisions say, by its rounds; None where all diverged."""
    best = [
        (d["measures"][d["optimum_step"]], d["optimum"])
        for d in decided
        if d["optimum"] is not None
    ]
    if not best:
        return None
    known = {
        # A decision that is read from its file has null where a step diverged.
        lambda_: np.inf if measure is None else measure
        for d in decided
        for lambda_, measure in zip(d["lambdas"], d["measures"], strict=True)
    }
    low, high = decided[0]["bracket"]
    return Found((low, high), min(best)[1], tuple(known), tuple(known.values()))


def later_bracket(found: Sequence[Found], spacing: str) -> Bracket:
    """The bracket of a later trial; ``found`` (at least one) is what first trials say."""
    drawn = float(np.mean([width(trial.drawn, spacing) for trial in found]))
    best = np.array([to_scale(trial.best, spacing) for trial in found])
    middle = _lowest(found, spacing)
    if middle is None:
        middle = float(best.min() + best.max()) / 2
    half = max(REACH * drawn, float(np.abs(best - middle).max()) + SHOULDER * drawn)
    low, high = middle - half, middle + half
    if spacing == "linear":
        low = max(low, 0.0)
    return rounded(from_scale(low, spacing)), rounded(from_scale(high, spacing))


def _lowest(found: Sequence[Found], spacing: str) -> float | None:
    """Where the mean curve is lowest, on the scale of the search; None where there is none."""
    # Snakemake's own process knows of grids and fits none: scipy's splines take 0.3 s to import.
    from ewc_lambda.inference.mean_curve import fitted_curves

    curves = fitted_curves(
        [trial.lambdas for trial in found],
        [[trial.measures] for trial in found],
        [trial.drawn for trial in found],
        spacing,
    )
    return None if curves.reason else float(curves.x[curves.values.mean(axis=0).argmin()])
