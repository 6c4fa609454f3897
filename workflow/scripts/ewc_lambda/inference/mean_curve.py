"""The lambda to use: where the mean curve over base models is lowest, and how flat it is there.

Every trial has a fitted curve f_t over x = log10(lambda), or lambda (`curve_fit`). A new network is
a new base model: what it can expect at x is the mean over base models of f_t(x), and the lambda to
use is where that is lowest. There its slope is 0, so x belongs to the interval when a t test over
the T trials does not tell the mean slope from 0, as within a trial (`curve_fit.curve_minimum`):

    |mean over t of f_t'(x)| <= t(T - 1) * sd over t of f_t'(x) / sqrt(T)

As shares, f_t is the logarithm of the trial's curve, and the lambda to use is where the geometric
mean of the curves is lowest: what a new network loses by it, as a share of its own best, is least.
The arithmetic mean is led by the few base models whose measures are large.

Curves are compared where all trials searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from ewc_lambda.inference.best_lambda import (
    MINIMUM_LAMBDAS,
    Interval,
    matrix,
    scaled,
    too_few,
    unscaled,
)
from ewc_lambda.inference.convexity import ROUNDING
from ewc_lambda.inference.curve_fit import (
    LEVEL_CONFIDENCE,
    POINTS,
    Pieces,
    Spline,
    fit_window,
    typical_rise,
    where_flat,
)
from ewc_lambda.inference.replicates import filled, usable
from ewc_lambda.inference.student import Floats, one_sample_t

UNFIT = f"a trial has fewer than {MINIMUM_LAMBDAS} usable lambdas"
FLAT = "the measure is the same at every lambda"
APART = "the trials searched no range in common"
NOT_POSITIVE = "a share of a measure that is not positive says nothing"


@dataclass(frozen=True)
class Curves:
    """Fitted curves of T trials on one grid x (G,), on the scale of the search: values and slopes
    (T, G), and the lowest value (T,) of each trial's whole curve; with ``shares`` of the logarithm
    of the measure. Where there are none ``reason`` says why, and G is 0. ``open_low`` and
    ``open_high``: the grid ends there because a search does, and not because a trial's measure
    diverges or is out of all proportion beyond.
    """

    x: Floats
    values: Floats
    slopes: Floats
    lowest: Floats
    spacing: str
    open_low: bool = True
    open_high: bool = True
    reason: str = ""
    shares: bool = False

    def above(self, values: Floats, lowest: Floats) -> Floats:
        """How far values lie above others, as a share of these."""
        return np.asarray(np.expm1(values - lowest) if self.shares else values / lowest - 1)

    @property
    def shareless(self) -> str:
        """Why no value is a share of another; empty where they are."""
        positive = self.shares or not self.values.size or self.lowest.min() > 0
        return "" if positive else NOT_POSITIVE


@dataclass(frozen=True)
class Tolerance:
    """Lambdas at which the mean curve is at most ``share`` above its minimum. An open end is that
    of the range that all trials searched.
    """

    share: float
    low: float
    high: float
    open_low: bool
    open_high: bool
    reason: str = ""


def fitted_curves(
    lambdas: Sequence[ArrayLike],
    measures: Sequence[ArrayLike],
    first_grids: Sequence[tuple[float, float]],
    spacing: str = "log",
    shares: bool = False,
) -> Curves:
    """The fitted mean curve of each trial on a grid of the range that all of them searched.

    lambdas: T arrays (S_t,) of all rounds, measures: T arrays (R_t, S_t); first_grids: T pairs,
    lowest and highest lambda of round 0, which set how fine the curves may be; shares: curves of
    the logarithm, for which measures must be positive.
    """
    read, searched = [], []
    for at, table, ends in zip(lambdas, measures, first_grids, strict=True):
        distinct, values = matrix(at, table)
        use = usable(values)
        x, span = scaled(distinct, spacing)[use], float(np.ptp(scaled(np.array(ends), spacing)))
        if len(x) < MINIMUM_LAMBDAS or span <= 0:
            return _none(len(lambdas), spacing, UNFIT)
        read.append((x, span, filled(values[:, use]).mean(axis=0)))
        searched.append((distinct[0], distinct[-1]))
    # Differences that are rounding errors are the same in every trial: no test sees them.
    if read and all(np.ptp(means) <= ROUNDING * np.abs(means).max() for _, _, means in read):
        return _none(len(lambdas), spacing, FLAT)
    if shares and read and min(means.min() for _, _, means in read) <= 0:
        return _none(len(lambdas), spacing, NOT_POSITIVE)
    # Of a trial that gains little from any lambda, what the others take for a usual rise would be
    # out of all proportion, and the range that all have in common end at its own minimum.
    rise = max((typical_rise(x, means) for x, _, means in read), default=0.0)
    found: list[tuple[Spline | Pieces, Floats, Floats]] = []
    for x, span, means in read:
        kept = fit_window(x, means, rise)
        x, means = x[kept], np.log(means[kept]) if shares else means[kept]
        found.append((Spline(x, span) if shares else _curve(x, means, span), x, means[None]))
    low = max((x[0] for _, x, _ in found), default=np.nan)
    high = min((x[-1] for _, x, _ in found), default=np.nan)
    if not low < high:
        return _none(len(lambdas), spacing, APART)
    grid = np.linspace(low, high, POINTS)
    whole = [curve(means, np.linspace(x[0], x[-1], POINTS)) for curve, x, means in found]
    lows, highs = (scaled(np.array(ends), spacing) for ends in zip(*searched, strict=True))
    return Curves(
        grid,
        np.concatenate([curve(means, grid) for curve, _, means in found]),
        np.concatenate([curve(means, grid, slope=1) for curve, _, means in found]),
        np.array([values.min() for values in whole]),
        spacing,
        bool(lows.max() == low),
        bool(highs.min() == high),
        shares=shares,
    )


def _curve(x: Floats, means: Floats, span: float) -> Spline | Pieces:
    """The curve through means (S,) at x (S,): the spline, unless much noise at lambdas far apart
    makes it swing below 0 between positive measures.
    """
    spline = Spline(x, span)
    swings = spline(means[None], np.linspace(x[0], x[-1], POINTS)).min() <= 0 < means.min()
    return Pieces(x) if swings else spline


def _none(trials: int, spacing: str, reason: str) -> Curves:
    empty = np.empty((trials, 0))
    return Curves(np.empty(0), empty, empty, np.full(trials, np.nan), spacing, reason=reason)


def lambda_to_use(curves: Curves, level: float = 0.95) -> Interval:
    """The lambda at which the mean curve over trials is lowest, with its interval over trials.

    Lowest at an end of what all trials searched it has no minimum there, and nothing is said. An
    end that the slopes do not bound is open, unless a trial's measure diverges beyond.

    Source: as `curve_fit.curve_minimum`, with trials in place of replicates.
    """
    trials, nan = len(curves.values), float("nan")
    if curves.reason:
        return Interval(nan, nan, nan, trials, level, curves.reason)
    best = int(curves.values.mean(axis=0).argmin())
    at_low, at_high = best == 0, best == len(curves.x) - 1
    if (at_low and curves.open_low) or (at_high and curves.open_high):
        end = "lower" if at_low else "upper"
        reason = f"the mean curve is lowest at the {end} end of what all trials searched"
        return Interval(nan, nan, nan, trials, level, reason)
    if trials < 2:
        estimate = unscaled(float(curves.x[best]), curves.spacing)
        return Interval(estimate, nan, nan, trials, level, too_few(trials, "trial"))
    slope = np.abs(one_sample_t(curves.slopes))
    above = one_sample_t(curves.values - curves.values[:, [best]])
    low_enough = above <= stdtrit(trials - 1, LEVEL_CONFIDENCE)
    critical = float(stdtrit(trials - 1, 0.5 + level / 2))
    found = where_flat(curves.x, slope, critical, low_enough, best)
    mid, low, high = (unscaled(v, curves.spacing) for v in (found.estimate, found.low, found.high))
    return Interval(
        mid,
        low,
        high,
        trials,
        level,
        open_low=not found.bounded_low and curves.open_low,
        open_high=not found.bounded_high and curves.open_high,
    )


def tolerance(curves: Curves, share: float) -> Tolerance:
    """The lambdas around the lambda to use at which the mean curve is within ``share`` of its
    minimum: what it costs to take another one.
    """
    nan = float("nan")
    mean = curves.values.mean(axis=0)
    reason = curves.reason
    if not reason and not curves.shares and mean.min() <= 0:
        reason = NOT_POSITIVE
    if reason:
        return Tolerance(share, nan, nan, False, False, reason)
    best = int(mean.argmin())
    bound = mean[best] + np.log1p(share) if curves.shares else (1 + share) * mean[best]
    above = np.flatnonzero(mean > bound)
    left, right = above[above < best], above[above > best]

    def crossing(inside: int, outside: int) -> float:
        part = (bound - mean[inside]) / (mean[outside] - mean[inside])
        return float(curves.x[inside] + part * (curves.x[outside] - curves.x[inside]))

    low = crossing(left[-1] + 1, left[-1]) if left.size else float(curves.x[0])
    high = crossing(right[0] - 1, right[0]) if right.size else float(curves.x[-1])
    return Tolerance(
        share,
        unscaled(low, curves.spacing),
        unscaled(high, curves.spacing),
        not left.size and curves.open_low,
        not right.size and curves.open_high,
    )
