"""Our trials against a published number: means with their intervals, and whether they agree.

Numpy and scipy only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ewc_lambda.inference.student import Floats, quantile

# What the published error is: over runs, of their mean, half of a 95% interval, or of reading a
# picture.
ERRORS = ("sd", "sem", "half", "reading")


@dataclass(frozen=True)
class Mean:
    """A mean over n runs, and half of its 95% interval; NaN where there is none."""

    value: float
    half: float
    n: int
    sd: float = math.nan


def of_trials(values: ArrayLike) -> Mean:
    """Mean of trials (T,), by Student's t; without an interval where there is but one."""
    found = np.asarray(values, dtype=float)
    n = len(found)
    if n < 2:
        return Mean(float(found.mean()), math.nan, n)
    sd = float(found.std(ddof=1))
    return Mean(float(found.mean()), quantile(n - 1, 0.975) * sd / math.sqrt(n), n, sd)


def published(value: float, error: float, kind: str, runs: int) -> Mean:
    """A published number; ``kind`` of its ``error`` is one of `ERRORS`. A reading's is taken for
    half of its interval.
    """
    if kind in ("half", "reading"):
        return Mean(value, error, runs)
    sem = error / math.sqrt(runs) if kind == "sd" else error
    return Mean(value, quantile(runs - 1, 0.975) * sem, runs, sem * math.sqrt(runs))


def difference(ours: Mean, theirs: Mean) -> Mean:
    """Ours minus theirs; halves of intervals add in quadrature, as those of independent means."""
    return Mean(ours.value - theirs.value, math.hypot(ours.half, theirs.half), ours.n)


def crossings(lambdas: ArrayLike, values: ArrayLike, levels: ArrayLike) -> Floats:
    """log10 of the lambda at which each trial's curve first rises above its level: lambdas (S,) in
    ascending order, values (T, S) and levels (T,), or one for all, to (T,), by a straight line over
    log lambda. NaN where a curve begins above the level or never gets there.
    """
    x, y = np.log10(np.asarray(lambdas, dtype=float)), np.asarray(values, dtype=float)
    found = np.full(len(y), np.nan)
    for trial, (curve, level) in enumerate(zip(y, np.broadcast_to(levels, len(y)), strict=True)):
        above = np.flatnonzero(curve >= level)
        if not above.size or above[0] == 0:
            continue
        high = above[0]
        share = (level - curve[high - 1]) / (curve[high] - curve[high - 1])
        found[trial] = x[high - 1] + share * (x[high] - x[high - 1])
    return found
