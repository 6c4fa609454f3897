"""Regret: what one lambda loses on a new base model against that one's own best lambda.

Each trial plays the new base model once: the others choose a lambda by their mean curve, and the
trial loses f_t(x of the others) - min f_t, as a share of min f_t. Near the minimum that is a square
of a distance that is about normal, so T - 1 times the mean over its expectation is about chi-square
with T - 1 degrees of freedom, and the interval is (T - 1) * mean / chi-square. Noise of a
trial's own curve counts as regret: its minimum is taken too low rather than too high.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, stdtrit

from ewc_lambda.inference.mean_curve import Curves
from ewc_lambda.inference.student import Floats

FEWEST_TRIALS = 3


@dataclass(frozen=True)
class Regret:
    """Mean over new base models of the regret, as a share of their own best measure; ``most`` is
    the upper end of its two-sided interval at ``level``, ``shares`` (T,) that of each trial.
    """

    mean: float
    most: float
    shares: Floats
    level: float
    reason: str = ""


@dataclass(frozen=True)
class RegretCurve:
    """Regret over lambda: its mean over trials (G,) at lambdas (G,), as a share, and a pointwise
    t interval (G,), NaN with one trial.
    """

    lambdas: Floats
    mean: Floats
    low: Floats
    high: Floats


def regret(curves: Curves, level: float = 0.95) -> Regret:
    """What the lambda that the other trials find loses on a trial, in the mean and at most.

    Source: leave-one-out, Stone, J. R. Stat. Soc. B 36 (1974) 111; the interval is that of a
    scaled chi-square.
    """
    trials, nan = len(curves.values), float("nan")
    reason = curves.reason
    if not reason and trials < FEWEST_TRIALS:
        reason = f"{trials} trial{'s' * (trials != 1)}, {FEWEST_TRIALS} are needed"
    reason = reason or curves.shareless
    if reason:
        return Regret(nan, nan, np.full(trials, nan), level, reason)
    others = curves.values.sum(axis=0) - curves.values
    chosen = others.argmin(axis=1)
    at = curves.values[np.arange(trials), chosen]
    shares = np.maximum(curves.above(at, curves.lowest), 0.0)
    mean = float(shares.mean())
    most = (trials - 1) * mean / float(chdtri(trials - 1, 0.5 + level / 2))
    return Regret(mean, most, shares, level)


def regret_over_lambda(curves: Curves, level: float = 0.95) -> RegretCurve:
    """The regret of every lambda that all trials searched; empty where there are no curves, or
    their measure is not positive.
    """
    empty = np.empty(0)
    if curves.reason or curves.shareless:
        return RegretCurve(empty, empty, empty, empty)
    shares = np.maximum(curves.above(curves.values, curves.lowest[:, None]), 0.0)
    trials, mean = len(shares), shares.mean(axis=0)
    half = np.full_like(mean, np.nan)
    if trials > 1:
        factor = stdtrit(trials - 1, 0.5 + level / 2) / np.sqrt(trials)
        half = factor * shares.std(axis=0, ddof=1)
    lambdas = 10.0**curves.x if curves.spacing == "log" else curves.x
    return RegretCurve(lambdas, mean, np.maximum(mean - half, 0.0), mean + half)


def cost_of_factor(curve: RegretCurve, use: float, factor: float) -> float:
    """By how much more the regret is where lambda is ``factor`` times too low or too high, the
    worse of the two, as a share; NaN where not all trials searched so far.
    """
    if not curve.lambdas.size or not np.isfinite(use):
        return float("nan")
    at = np.array([use, use / factor, use * factor])
    found = np.interp(at, curve.lambdas, curve.mean, left=np.nan, right=np.nan)
    return float(found[1:].max() - found[0])
