"""What a study says of a new network: where its own best lambda lies, and what more trials bring.

The interval of a mean over trials narrows with every trial; that in which a new trial's own best
lambda lies does not, since base models differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from ewc_lambda.inference.best_lambda import Interval, scaled, too_few, unscaled

MOST_TRIALS = 10_000


def predicted_best(
    estimates: Sequence[float], spacing: str = "log", level: float = 0.95
) -> Interval:
    """Prediction interval of a new base model's own best lambda, from those of T trials.

    estimates (T,): `BestLambda.estimate` of each trial; their noise within trials widens it.
    Student's: mean +- t(T - 1) * sd * sqrt(1 + 1 / T), on the scale of the search.

    Source: Whitmore, Am. Stat. 40 (1986) 141.
    """
    x = scaled(np.asarray(estimates, dtype=float), spacing)
    n, nan = len(x), float("nan")
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x)).sum())
        return Interval(nan, nan, nan, n, level, f"{bad} of {n} trials without a best lambda")
    if n < 2:
        estimate = unscaled(float(x[0]), spacing) if n else nan
        return Interval(estimate, nan, nan, n, level, too_few(n, "trial"))
    mean = float(x.mean())
    half = float(stdtrit(n - 1, 0.5 + level / 2) * x.std(ddof=1) * np.sqrt(1 + 1 / n))
    mid, low, high = (unscaled(v, spacing) for v in (mean, mean - half, mean + half))
    return Interval(mid, low, high, n, level)


def trials_needed(n: int, narrower: float, level: float = 0.95) -> int | None:
    """How many trials in all leave an interval over trials ``narrower`` times as wide as that of
    n trials, at the spread that these have: t(m - 1) / sqrt(m) of Student's interval shrinks so
    far. None with fewer than two trials, or where 10,000 are not enough.
    """
    if n < 2:
        return None
    for most in (min(20 * n, MOST_TRIALS), MOST_TRIALS):
        m = np.arange(n, most)
        factor = stdtrit(m - 1, 0.5 + level / 2) / np.sqrt(m)
        enough = np.flatnonzero(factor <= narrower * factor[0])
        if enough.size:
            return int(m[enough[0]])
    return None
