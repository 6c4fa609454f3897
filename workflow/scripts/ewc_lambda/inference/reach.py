"""How far the lambdas that were searched reach: what they cannot tell, and which way to go.

Where all of them are far too small the penalty does nothing, and where all are far too large the
shared weights stand still. The measure is then level over all that was searched: its lowest point
is noise, whatever a paired test makes of differences in the seventh digit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.inference.replicates import comparable_means

NOTHING = 0.001
"""Share of the measure at lambda = 0 by which no lambda differs from it where the penalty does
nothing."""

ALIKE = 0.05
"""Share of their distance from lambda = 0 by which lambdas differ where nothing new is learned."""

REASONS = {
    "small": "every lambda does what lambda = 0 does: the penalty does nothing here",
    "large": "all lambdas are alike and unlike lambda = 0: nothing new is learned at any of them",
}


def missed(measures: ArrayLike, zero: ArrayLike) -> str:
    """Whether all lambdas of a trial are too ``small`` or too ``large`` to tell anything of the
    best one; empty where they are not, and where fewer than two of them stayed finite.

    measures (R, S), zero (R',): the measure at lambda = 0.
    """
    means = comparable_means(np.asarray(measures, dtype=float))
    means, at_zero = means[np.isfinite(means)], float(np.asarray(zero, dtype=float).mean())
    if len(means) < 2 or not np.isfinite(at_zero):
        return ""
    away = means - at_zero
    if np.abs(away).max() <= NOTHING * abs(at_zero):
        return "small"
    return "large" if np.ptp(means) <= ALIKE * abs(away.mean()) else ""


def within(interval: Interval, low: float, high: float) -> Interval:
    """An interval of lambda as far as lambdas were searched, from low to high; open at an end that
    lies beyond.
    """
    below, above = interval.low < low, interval.high > high
    return replace(
        interval,
        low=low if below else interval.low,
        high=high if above else interval.high,
        open_low=bool(interval.open_low or below),
        open_high=bool(interval.open_high or above),
    )
