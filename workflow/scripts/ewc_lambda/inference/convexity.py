"""Whether lambdas that were trained bear out a dip that the fitted curve has between them.

Beside a flat stretch that turns into a rise, a least squares spline swings below both, by the same
amount in every replicate: no test over replicates sees that this is the spline and not the measure.
A valley is convex around its minimum, and a convex curve lies above the lines through two
neighbouring points on either side of it. Where the fitted minimum lies below those lines, it is
none, and the lambdas themselves say where the minimum may be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from ewc_lambda.inference.replicates import best_column, paired_t
from ewc_lambda.inference.student import Floats

ROUNDING = 1e-9
"""Measures that differ by less than this share of their size do not differ."""


@dataclass(frozen=True)
class Minimum:
    """Minimum of a fitted curve, in the units of x. No interval: low and high are NaN."""

    estimate: float
    low: float
    high: float
    bounded_low: bool
    bounded_high: bool


def borne_out(x: Floats, means: Floats, at: float, height: float) -> bool:
    """Whether a curve through means (S,) at x (S,) can be as low as ``height`` at ``at`` and be
    convex from the two lambdas before it to the two behind it.
    """
    right = int(np.searchsorted(x, at, side="right"))
    for first, second in ((right - 2, right - 1), (right + 1, right)):
        if not (0 <= first < len(x) and 0 <= second < len(x)) or x[second] == at:
            continue
        slope = (means[second] - means[first]) / (x[second] - x[first])
        if height < means[second] + slope * (at - x[second]):
            return False
    return True


def around_the_lowest(x: Floats, measures: Floats, level: float) -> Minimum:
    """The lambda of lowest mean, and where a minimum near it may lie: from the lambda before to the
    one behind those that hang together with it and are not higher beyond doubt (paired one-sided t
    tests, Bonferroni as in `best_lambda.indistinguishable`).
    """
    best = best_column(measures)
    if best is None:
        raise ValueError("no lambda at which every replicate stayed finite")
    differences = measures - measures[:, [best]]
    # Differences that are rounding errors are the same in every replicate.
    differences[np.abs(differences) <= ROUNDING * np.nanmax(np.abs(measures))] = 0.0
    t, count = paired_t(differences)
    higher = np.nan_to_num(t, nan=0.0) > stdtrit(
        np.maximum(count - 1, 1), 1 - (1 - level) / (len(x) - 1)
    )
    outside = np.flatnonzero(higher)
    below, above = outside[outside < best], outside[outside > best]
    low = x[below[-1]] if below.size else x[0]
    high = x[above[0]] if above.size else x[-1]
    return Minimum(float(x[best]), float(low), float(high), bool(below.size), bool(above.size))
