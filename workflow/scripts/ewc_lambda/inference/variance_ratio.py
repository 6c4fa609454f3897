"""By how much common random numbers shrink the variance of paired differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.inference.replicates import complete
from ewc_lambda.inference.student import Floats


def _log_variance(measures: Floats, neighbours: bool) -> float:
    """Mean over pairs of lambdas of the log of the variance of their paired difference."""
    low, high = np.triu_indices(measures.shape[1], 1)
    if neighbours:
        low, high = np.arange(measures.shape[1] - 1), np.arange(1, measures.shape[1])
    covariance = np.cov(measures, rowvar=False)
    diagonal = np.diag(covariance)
    variances = diagonal[low] + diagonal[high] - 2 * covariance[low, high]
    return float(np.mean(np.log(variances))) if np.all(variances > 0) else np.nan


def variance_ratio(
    independent: ArrayLike, common: ArrayLike, level: float = 0.95, *, neighbours: bool = False
) -> Interval:
    """Variance of paired differences with independent streams over that with common ones.

    independent (R1, S), common (R2, S): measures on one grid. The ratio is the geometric mean over
    all pairs of lambdas, or of those next to each other (``neighbours``), between which a search
    has to decide; so that steep ends of the grid do not decide alone. The interval is
    Student's on jackknife pseudo-values of the log variances (Welch degrees of freedom); an
    F interval would need normal noise and one pair. n is the smaller number of replicates; at least
    3 in each mode are needed. Lambdas that diverged or lost a race in a mode are left out.

    Source: Miller, Ann. Math. Stat. 39 (1968) 567.
    """
    tables = [np.asarray(values, dtype=float) for values in (independent, common)]
    if any(t.ndim != 2 for t in tables) or tables[0].shape[1] != tables[1].shape[1]:
        raise ValueError(f"two arrays (R, S) on one grid: got {[t.shape for t in tables]}")
    use = complete(tables[0]) & complete(tables[1])
    n = min(len(table) for table in tables)
    reason = ""
    if n < 3:
        reason = f"{n} replicates, 3 in each randomness mode are needed"
    elif use.sum() < 2:
        reason = "fewer than 2 lambdas that did not diverge"
    if reason:
        return Interval(np.nan, np.nan, np.nan, n, level, reason)
    first, second = (_pseudo_values(table[:, use], neighbours) for table in tables)
    return _welch_ratio(first, second, level)


def _pseudo_values(measures: Floats, neighbours: bool) -> Floats:
    """Jackknife pseudo-values (R,) of the log variance of measures (R, S)."""
    size = len(measures)
    left_out = np.array(
        [_log_variance(np.delete(measures, i, axis=0), neighbours) for i in range(size)]
    )
    return size * _log_variance(measures, neighbours) - (size - 1) * left_out


def _welch_ratio(independent: Floats, common: Floats, level: float) -> Interval:
    """Exponential of the difference of two means, of pseudo-values (R1,) and (R2,)."""
    n = min(len(independent), len(common))
    errors = [float(values.var(ddof=1)) / len(values) for values in (independent, common)]
    total = sum(errors)
    if not np.isfinite(total) or total <= 0:
        return Interval(np.nan, np.nan, np.nan, n, level, "paired differences do not vary")
    sizes = (len(independent), len(common))
    freedom = total**2 / sum(e**2 / (s - 1) for e, s in zip(errors, sizes, strict=True))
    center = float(independent.mean()) - float(common.mean())
    half = float(stdtrit(freedom, 0.5 + level / 2) * np.sqrt(total))
    low, mid, high = (float(np.exp(v)) for v in (center - half, center, center + half))
    return Interval(mid, low, high, n, level)
