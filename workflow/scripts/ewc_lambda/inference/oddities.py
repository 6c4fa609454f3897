"""What over trials makes an interval of the lambda to use say less than it seems to.

A base model far off the others pulls a mean of few trials, and its Student's interval holds less
often than it promises (docs/statistics.md). Two valleys that are as low make one interval of both,
though the ridge between them is no lambda to use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from ewc_lambda.inference.best_lambda import scaled, unscaled
from ewc_lambda.inference.curve_fit import LEVEL_CONFIDENCE
from ewc_lambda.inference.mean_curve import Curves
from ewc_lambda.inference.student import one_sample_t, quantile

LEAST_TRIALS = 5
"""Trials below which none is called far off."""


def far_off(estimates: Sequence[float], spacing: str = "log", level: float = 0.95) -> int | None:
    """Which of T trials has a best lambda far off the others', on the scale of the search.

    estimates (T,), NaN where a trial has none. Of normal ones none is called so with probability
    ``level``.

    Source: Grubbs, Technometrics 11 (1969) 1, two-sided, for one outlier.
    """
    given = np.asarray(estimates, dtype=float)
    known = np.flatnonzero(np.isfinite(given))
    n = len(known)
    if n < LEAST_TRIALS:
        return None
    x = scaled(given[known], spacing)
    away = np.abs(x - x.mean())
    farthest = int(away.argmax())
    t = quantile(n - 2, 1 - (1 - level) / (2 * n))
    critical = (n - 1) / np.sqrt(n) * np.sqrt(t**2 / (n - 2 + t**2))
    # Equal numbers differ in their last digits.
    found = away[farthest] > max(critical * float(x.std(ddof=1)), 1e-9)
    return int(known[farthest]) if found else None


def two_valleys(curves: Curves, level: float = 0.99) -> tuple[float, float] | None:
    """The lambdas of two valleys of the mean curve that are as low as one another, with a ridge
    between them that is higher than both beyond doubt; None where there are none such.

    The second valley counts as in `curve_fit`, while its floor is not clearly higher; the ridge is
    tested against each (one-sided t over trials). From three trials on.
    """
    trials = len(curves.values)
    if curves.reason or trials < 3:
        return None
    mean = curves.values.mean(axis=0)
    best = int(mean.argmin())
    floor = float(stdtrit(trials - 1, LEVEL_CONFIDENCE))
    doubt = float(stdtrit(trials - 1, level))
    inner = np.flatnonzero((mean[1:-1] < mean[:-2]) & (mean[1:-1] <= mean[2:])) + 1
    for other in sorted(inner, key=lambda at: float(mean[at])):
        low, high = sorted((best, int(other)))
        if high - low < 2:
            continue
        ridge = low + int(mean[low : high + 1].argmax())
        above = one_sample_t(curves.values[:, [ridge]] - curves.values[:, [low, high]])
        level_with = float(one_sample_t(curves.values[:, other] - curves.values[:, best]))
        if level_with <= floor and (above > doubt).all():
            return (
                unscaled(float(curves.x[low]), curves.spacing),
                unscaled(float(curves.x[high]), curves.spacing),
            )
    return None
