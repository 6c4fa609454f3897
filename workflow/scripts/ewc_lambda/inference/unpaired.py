"""The statements about one trial where every run has a seed of its own.

No run at one lambda belongs to a run at another, and lambdas may have different numbers of runs and
different variances. So the mean at each lambda has its own error, and a weighted sum of means is
tested by Welch's t: the variance of the sum over lambdas s of w_s times the mean is

    sum over s of w_s^2 * v_s / n_s

with v_s the variance of the n_s runs at that lambda, and Satterthwaite's degrees of freedom.

Measures are arrays (R, S), the runs of a lambda from the top of its column, in any order, and NaN
below them; infinite where a run diverged. A lambda with a single run tells nothing of its error: it
is left out where others have more. The words on missing statements in `best_lambda` hold here too.

Source: Welch, Biometrika 34 (1947) 28; Satterthwaite, Biometrics Bull. 2 (1946) 110.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from ewc_lambda.inference.best_lambda import (
    MINIMUM_LAMBDAS,
    BestLambda,
    LambdaSet,
    scaled,
    unscaled,
)
from ewc_lambda.inference.convexity import ROUNDING
from ewc_lambda.inference.curve_fit import Sums, curve_minimum
from ewc_lambda.inference.replicates import trained
from ewc_lambda.inference.resolving import End, Resolved, by_ends
from ewc_lambda.inference.student import Floats

ONE_RUN = "one run for each lambda only"
NOTHING_FINITE = "no lambda at which every run stayed finite"


def run_means(measures: Floats) -> Floats:
    """Mean (S,) of the runs of each lambda, infinite where one diverged or none was made."""
    count = trained(measures)
    total = np.where(np.isnan(measures), 0.0, measures).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.inf)


def repeated(measures: Floats) -> NDArray[np.bool_]:
    """Lambdas (S,) that carry a statement: none of their runs diverged, and they have two at least,
    or one where no lambda has more.
    """
    finite = np.isfinite(run_means(measures))
    count = trained(measures)
    return np.asarray(finite & (count >= min(2, int(count.max(where=finite, initial=0)))))


def lowest_mean(measures: Floats) -> int | None:
    """Index of the lambda of lowest mean among those that carry a statement; None without one."""
    use = repeated(measures)
    return int(np.where(use, run_means(measures), np.inf).argmin()) if use.any() else None


def welch_t(measures: Floats, sums: Sums) -> tuple[Floats, Floats]:
    """Student's t (G,) of weighted sums of expected measures, and degrees of freedom (G,).

    measures (R, S) with two runs at least for each lambda; ``sums`` as in `replicates.sums_t`.
    Where runs agree exactly, t is 0 or infinite, as that of `student.one_sample_t`.
    """
    count = trained(measures)
    # Each lambda's weight in each sum: (S, G).
    weights = sums(np.eye(measures.shape[1]))
    value = run_means(measures) @ weights
    share = weights**2 * (np.nanvar(measures, axis=0, ddof=1) / count)[:, None]
    variance = share.sum(axis=0)
    exact = np.sqrt(variance) <= 1e-14 * np.nanmax(np.abs(measures))
    certain = np.where(np.abs(value) > 1e-14, np.copysign(np.inf, value), 0.0)
    t = np.where(exact, certain, value / np.sqrt(np.where(exact, 1.0, variance)))
    lost = (share**2 / (count - 1)[:, None]).sum(axis=0)
    freedom = np.where(exact, count.max() - 1, variance**2 / np.where(exact, 1.0, lost))
    return t, freedom


def best_lambda(
    lambdas: ArrayLike, measures: ArrayLike, spacing: str = "log", level: float = 0.95
) -> BestLambda:
    """Best lambda, the minimum of the expected measure, with an interval.

    lambdas (S,) distinct; measures (R, S). The curve is that of `curve_fit.curve_minimum`; its
    slopes are tested by `welch_t`. Raises ValueError for shapes or lambdas that do not fit.
    """
    at, values = ordered(lambdas, measures)
    use = repeated(values)
    n_runs, n_lambdas, nan = int(trained(values).max()), int(use.sum()), float("nan")
    if n_lambdas == 0:
        return BestLambda(
            nan, nan, nan, False, False, nan, n_runs, n_lambdas, level, NOTHING_FINITE
        )
    x, ends_of_all = scaled(at, spacing)[use], scaled(at, spacing)[[0, -1]]
    values = values[: trained(values)[use].max(), use]
    means = run_means(values)
    grid_best = float(at[use][means.argmin()])
    if n_lambdas < MINIMUM_LAMBDAS:
        reason = f"{n_lambdas} usable lambdas, {MINIMUM_LAMBDAS} are needed"
        return BestLambda(nan, nan, nan, False, False, grid_best, n_runs, n_lambdas, level, reason)
    if np.ptp(means) <= ROUNDING * np.abs(means).max():
        reason = "the measure is the same at every lambda"
        return BestLambda(nan, nan, nan, False, False, nan, n_runs, n_lambdas, level, reason)
    found = curve_minimum(x, values, float(np.ptp(ends_of_all)), level, run_means, welch_t)
    return BestLambda(
        unscaled(found.estimate, spacing),
        unscaled(found.low, spacing),
        unscaled(found.high, spacing),
        found.bounded_low,
        found.bounded_high,
        grid_best,
        n_runs,
        n_lambdas,
        level,
        "" if n_runs > 1 else ONE_RUN,
        dict(zip(ends_of_all, ("low", "high"), strict=True)).get(found.estimate, ""),
    )


def indistinguishable(lambdas: ArrayLike, measures: ArrayLike, level: float = 0.95) -> LambdaSet:
    """Lambdas of which no other is better beyond doubt, as `best_lambda.indistinguishable`, with
    Welch's t in place of the paired one. lambdas (S,), measures (R, S).
    """
    at, values = ordered(lambdas, measures)
    best = lowest_mean(values)
    if best is None:
        return LambdaSet((), float("nan"), level, NOTHING_FINITE)
    use = repeated(values)
    kept, values = at[use], values[:, use]
    reason = "one usable lambda only" if len(kept) == 1 else ""
    if trained(values).max() == 1:
        reason = ONE_RUN
    if reason:
        return LambdaSet((), float(at[best]), level, reason)
    chance = 1 - (1 - level) / (len(kept) - 1)
    # Every lambda against every other: the sums are differences of two means.
    behind, freedom = (each.reshape(2 * (len(kept),)) for each in welch_t(values, _pairs))
    worse = behind > stdtrit(freedom, chance)
    return LambdaSet(tuple(float(v) for v in kept[~worse.any(axis=1)]), float(at[best]), level)


def _pairs(values: Floats) -> Floats:
    """Differences (n, S * S) of values (n, S); a value less itself counts as no difference."""
    return (values[:, :, None] - values[:, None, :]).reshape(len(values), -1)


def resolved(lambdas: ArrayLike, measures: ArrayLike, level: float = 0.95) -> Resolved:
    """Whether both ends are worse than the best beyond doubt, as `best_lambda.resolved`, with
    Welch's t in place of the paired one. lambdas (S,), measures (R, S).

    An end is the first or last lambda. One at which all runs diverged is worse; of one at which
    some did, those that did not are judged, two of them at least.
    """
    at, values = ordered(lambdas, measures)
    nan, best = float("nan"), lowest_mean(values)
    if best is None:
        return Resolved(False, nan, nan, nan, nan, nan, nan, level, NOTHING_FINITE)
    chance = (1 - level) / max(len(at) - 2, 1)
    low, high = (_end(values[:, i], values[:, best], chance) for i in (0, -1))
    few = ONE_RUN if trained(values).max() == 1 else ""
    one = "fewer than two finite runs at an end of the lambdas"
    return by_ends(at, best, (low, high), level, few, one)


def _end(end: Floats, best: Floats, chance: float) -> End:
    """Mean of an end less that of the best, in standard errors, and what they must exceed."""
    end, best = end[~np.isnan(end)], best[~np.isnan(best)]
    finite = end[np.isfinite(end)]
    if not finite.size:
        return np.inf, np.inf, 0.0
    difference = float(finite.mean() - best.mean())
    if min(len(finite), len(best)) < 2:
        return difference, np.nan, np.nan
    both = np.full((max(len(finite), len(best)), 2), np.nan)
    both[: len(finite), 0], both[: len(best), 1] = finite, best
    t, freedom = welch_t(both, lambda values: values[:, :1] - values[:, 1:])
    return difference, float(t[0]), float(stdtrit(freedom[0], 1 - chance))


def ordered(lambdas: ArrayLike, measures: ArrayLike) -> tuple[Floats, Floats]:
    """Rising lambdas (S,) and measures (R, S) in their order.

    Raises:
        ValueError: the shapes do not fit, or a lambda is not finite or stands twice.

    """
    at: Floats = np.asarray(lambdas, dtype=float)
    values: Floats = np.asarray(measures, dtype=float)
    if at.ndim != 1 or values.ndim != 2 or values.shape[1] != len(at) or values.size == 0:
        raise ValueError(
            f"lambdas of shape (S,) and measures of shape (R, S) are needed, "
            f"R and S at least 1: got {at.shape} and {values.shape}"
        )
    if not np.all(np.isfinite(at)) or len(np.unique(at)) < len(at):
        raise ValueError("lambdas must be finite and distinct")
    order = at.argsort()
    return at[order], values[:, order]
