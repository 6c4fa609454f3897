"""How the answer gets its interval: what a study may say about lambda, and how sure it is.

The best lambda is the minimum of the expected measure, on x = log10(lambda) (or lambda). Within a
trial, each replicate r has a smooth curve f_r (`curve_fit`); where the expected curve is lowest its
slope is 0, so x belongs to the interval when a t test over the R replicates does not tell the mean
slope from 0 (Fieller 1954, inverted test; `best_lambda`):

    |mean over r of f_r'(x)| <= t(R - 1) * sd over r of f_r'(x) / sqrt(R)

Over trials, whose base models differ, it is Student's interval of the T trials' minima x_t
(`across_trials.study_best_lambda`, by `mean_interval`):

    mean over t of x_t  +-  t(T - 1) * sd over t of x_t / sqrt(T)

Measures of a trial are arrays (R, S): R replicates that share random streams over S lambdas, so
differences between columns are paired. Lower is better. An infinite measure diverged; one that is
NaN was not trained, because its step was dropped in a race (`replicates`).
Nothing here draws random numbers. Where the data do not allow a statement, numbers are NaN and
`reason` says why; otherwise `reason` is empty. How often the statements hold on synthetic studies
is measured by benchmarks/coverage.py and written down in docs/statistics.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from ewc_lambda.inference.convexity import ROUNDING
from ewc_lambda.inference.curve_fit import curve_minimum
from ewc_lambda.inference.replicates import best_column, complete, filled, paired_t, trained, usable
from ewc_lambda.inference.student import Floats

SPACINGS = ("log", "linear")
MINIMUM_LAMBDAS = 3


@dataclass(frozen=True)
class Interval:
    """A mean with its interval, over `n` replicates or trials; at an open end it reaches on."""

    estimate: float
    low: float
    high: float
    n: int
    level: float
    reason: str = ""
    open_low: bool = False
    open_high: bool = False


@dataclass(frozen=True)
class BestLambda:
    """Best lambda in units of lambda. An end that the data do not bound is an end of the grid.

    ``end`` is low or high where the curve is lowest at that end of all lambdas, so that its minimum
    may lie beyond, and else empty.
    """

    estimate: float
    low: float
    high: float
    bounded_low: bool
    bounded_high: bool
    grid_best: float
    n_replicates: int
    n_lambdas: int
    level: float
    reason: str = ""
    end: str = ""


@dataclass(frozen=True)
class LambdaSet:
    """Lambdas of the grid that cannot be told from the best, in ascending order."""

    lambdas: tuple[float, ...]
    grid_best: float
    level: float
    reason: str = ""


def matrix(lambdas: ArrayLike, measures: ArrayLike) -> tuple[Floats, Floats]:
    """Sorted distinct lambdas (S,) and measures (R, S); equal lambdas are averaged."""
    at: Floats = np.asarray(lambdas, dtype=float)
    values: Floats = np.asarray(measures, dtype=float)
    if at.ndim != 1 or values.ndim != 2 or values.shape[1] != len(at) or values.size == 0:
        raise ValueError(
            f"lambdas of shape (S,) and measures of shape (R, S) are needed, "
            f"R and S at least 1: got {at.shape} and {values.shape}"
        )
    if not np.all(np.isfinite(at)):
        raise ValueError("a lambda is not finite")
    order = np.argsort(at, kind="stable")
    at, values = at[order], values[:, order]
    # Ends of a bracket return in the next round, and may differ in the last digit.
    starts = np.flatnonzero(np.r_[True, np.diff(at) > 1e-9 * np.abs(at[1:])])
    sizes = np.diff(np.r_[starts, len(at)])
    if len(starts) == len(at):
        return at, values
    merged: Floats = np.add.reduceat(values, starts, axis=1) / sizes
    return at[starts], merged


def scaled(lambdas: Floats, spacing: str) -> Floats:
    """Lambdas on the scale of the search: log10 or as they are. ValueError for 0 on a log scale."""
    if spacing not in SPACINGS:
        raise ValueError(f"spacing is {spacing!r}, but must be one of {', '.join(SPACINGS)}")
    if spacing == "linear":
        return lambdas
    if np.any(lambdas <= 0):
        raise ValueError("a lambda that is not positive has no place on a log scale")
    return np.log10(lambdas)


def unscaled(value: float, spacing: str) -> float:
    """Lambda of a value on the scale of the search: the inverse of `scaled`."""
    return float(10.0**value) if spacing == "log" else float(value)


def too_few(n: int, what: str = "replicate") -> str:
    """Reason why n units carry no interval, empty if they do."""
    return f"one {what} only" if n == 1 else f"no {what}" if n == 0 else ""


def mean_interval(values: ArrayLike, level: float = 0.95, what: str = "replicate") -> Interval:
    """Mean of values (n,) with Student's t interval; `what` names the unit in `reason`.

    Values that are not finite leave no statement: dropping them would flatter the rest.
    """
    data = np.asarray(values, dtype=float)
    n = len(data)
    if n == 0 or not np.all(np.isfinite(data)):
        bad = int(n - np.isfinite(data).sum())
        reason = f"{bad} of {n} {what}s without a finite value" if n else too_few(0, what)
        return Interval(np.nan, np.nan, np.nan, n, level, reason)
    mean = float(data.mean())
    if n == 1:
        return Interval(mean, np.nan, np.nan, n, level, too_few(1, what))
    half = float(stdtrit(n - 1, 0.5 + level / 2) * data.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n, level)


def best_lambda(
    lambdas: ArrayLike,
    measures: ArrayLike,
    spacing: str = "log",
    first_grid: tuple[float, float] | None = None,
    level: float = 0.95,
) -> BestLambda:
    """Best lambda of a trial, the minimum of the expected measure, with an interval.

    lambdas (S,) of all rounds; measures (R, S); first_grid: lowest and highest lambda of round 0
    (all lambdas if not given), which sets how fine the fitted curve may be. Method and source:
    `curve_fit.curve_minimum`. Raises ValueError for shapes or lambdas that do not fit.
    """
    at, values = matrix(lambdas, measures)
    x = scaled(at, spacing)
    ends = np.asarray(first_grid, dtype=float) if first_grid is not None else at[[0, -1]]
    span = float(np.ptp(scaled(ends, spacing)))
    # Next to lambdas that diverged the curve does have its lowest point.
    ends_of_all = float(x[0]), float(x[-1])
    use = usable(values)
    x, n_lambdas = x[use], int(use.sum())
    n_replicates = int(trained(values).max())
    nan, reason = float("nan"), ""
    if n_lambdas == 0:
        reason = "no lambda at which every replicate stayed finite"
        return BestLambda(nan, nan, nan, False, False, nan, n_replicates, n_lambdas, level, reason)
    grid_best = float(at[best_column(values)])
    values = values[: trained(values)[use].max(), use]
    if n_lambdas < MINIMUM_LAMBDAS or span <= 0:
        reason = f"{n_lambdas} usable lambdas, {MINIMUM_LAMBDAS} are needed"
        return BestLambda(
            nan, nan, nan, False, False, grid_best, n_replicates, n_lambdas, level, reason
        )
    if np.ptp(filled(values), axis=1).max() <= ROUNDING * np.nanmax(np.abs(values)):
        # Differences that are rounding errors are the same in every replicate: no test sees them.
        reason = "the measure is the same at every lambda"
        return BestLambda(nan, nan, nan, False, False, nan, n_replicates, n_lambdas, level, reason)
    found = curve_minimum(x, values, span, level)
    return BestLambda(
        unscaled(found.estimate, spacing),
        unscaled(found.low, spacing),
        unscaled(found.high, spacing),
        found.bounded_low,
        found.bounded_high,
        grid_best,
        n_replicates,
        n_lambdas,
        level,
        too_few(n_replicates),
        {ends_of_all[0]: "low", ends_of_all[1]: "high"}.get(found.estimate, ""),
    )


def indistinguishable(lambdas: ArrayLike, measures: ArrayLike, level: float = 0.95) -> LambdaSet:
    """Lambdas of the grid of which no other is better beyond doubt.

    lambdas (S,), measures (R, S). A lambda leaves the set when a paired one-sided t test finds
    another one better at (1 - level) / (S - 1). So the best one of the grid stays with probability
    `level` at least, whatever the correlations. Lambdas at which a replicate diverged are never in.

    Source: multiple comparisons with the best, Hsu, Ann. Stat. 12 (1984) 1136, with paired
    variances and Bonferroni's inequality in place of a common variance.
    """
    at, values = matrix(lambdas, measures)
    use = usable(values)
    at, values = at[use], values[:, use]
    if len(at) == 0:
        reason = "no lambda at which every replicate stayed finite"
        return LambdaSet((), float("nan"), level, reason)
    best = float(at[best_column(values)])
    reason = too_few(len(values)) or ("one usable lambda only" if len(at) == 1 else "")
    if reason:
        return LambdaSet((), best, level, reason)
    # Two lambdas are compared over the replicates that both have.
    behind, count = paired_t(values[:, :, None] - values[:, None, :])
    worse = behind > stdtrit(count - 1, 1 - (1 - level) / (len(at) - 1))
    return LambdaSet(tuple(float(v) for v in at[~worse.any(axis=1)]), best, level)


def best_measures(measures: ArrayLike) -> Floats:
    """Measure of each replicate at the lambda that the other replicates find best.

    measures (R, S); returns (R,). The lowest of S noisy means is too low (winner's curse): here
    no replicate has a say in its own lambda. Their mean is that of a best lambda found with R - 1
    replicates. With one replicate, or no lambda without divergence, NaN. A lambda that was
    dropped in a race is not chosen.

    Source: leave-one-out selection, Stone, J. R. Stat. Soc. B 36 (1974) 111.
    """
    values = np.asarray(measures, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"measures of shape (R, S) are needed: got {values.shape}")
    picked: Floats = np.full(len(values), np.nan)
    values = values[:, complete(values)]
    n = int(trained(values).max(initial=0))
    if n > 1:
        values = values[:n]
        chosen = (values.sum(axis=0) - values).argmin(axis=1)
        picked[:n] = values[np.arange(n), chosen]
    return picked


def gain(measures: ArrayLike, reference: ArrayLike, level: float = 0.95) -> Interval:
    """Measure at a reference line minus that at the best lambda, paired over replicates.

    measures (R, S), reference (R,), for lambda = 0 or joint training: positive where the best
    lambda is better. The distance to joint training is the negative, `distance`. Replicates take
    the lambda that the others find best (`best_measures`).
    """
    values, line = np.asarray(measures, dtype=float), np.asarray(reference, dtype=float)
    if values.ndim != 2 or line.shape != values.shape[:1]:
        raise ValueError(
            f"measures of shape (R, S) and a reference of shape (R,) are needed: "
            f"got {values.shape} and {line.shape}"
        )
    if len(values) == 1:
        return Interval(np.nan, np.nan, np.nan, 1, level, too_few(1))
    return mean_interval(line - best_measures(values), level)


def distance(measures: ArrayLike, joint: ArrayLike, level: float = 0.95) -> Interval:
    """Measure at the best lambda minus that of joint training: `gain` with its sign turned."""
    found = gain(measures, joint, level)
    return Interval(-found.estimate, -found.high, -found.low, found.n, found.level, found.reason)
