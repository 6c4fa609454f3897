"""Whether a search is resolved: both ends of its lambdas worse than the best between them.

The trials of a study repeat one design; what their variances say of one another makes a verdict
possible with two or three replicates (`moderated`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from ewc_lambda.inference.best_lambda import MINIMUM_LAMBDAS, matrix, too_few
from ewc_lambda.inference.moderated import NO_PRIOR, Prior, prior_of
from ewc_lambda.inference.replicates import best_column
from ewc_lambda.inference.student import Floats, one_sample_t

End = tuple[float, float, float]
"""Of an end of the lambdas: how much worse than the best it is, in standard errors, and what these
must exceed."""


@dataclass(frozen=True)
class Resolved:
    """Whether both ends of the first grid are worse than the best beyond doubt.

    `low_difference` is the measure at the low end minus that at the best, `low_errors` the same in
    standard errors, which has to exceed `critical`; both are infinite where the end diverged.
    Where replicates diverged at one end only, `critical` is the larger of the two ends'.
    """

    resolved: bool
    best: float
    low_difference: float
    high_difference: float
    low_errors: float
    high_errors: float
    critical: float
    level: float
    reason: str = ""


def resolved(
    lambdas: ArrayLike,
    measures: ArrayLike,
    level: float = 0.95,
    priors: tuple[Prior, Prior] = (NO_PRIOR, NO_PRIOR),
) -> Resolved:
    """Whether both ends of the first grid are worse than its best beyond doubt.

    lambdas (S,) and measures (R, S) of round 0 only: later lambdas were placed by looking at the
    measures. The best is one of the S - 2 between the ends, so each end is tested (paired,
    one-sided) at (1 - level) / (S - 2); both must be worse, so a curve with an end as low as any
    is called resolved with probability 1 - level at most. An end at which all replicates diverged
    is worse; one at which some did is judged by the others, two of them at least. An end that was
    dropped in a race is judged by the replicates that it has. ``priors`` are what other trials say
    of the variance of the low end and of the high end against the best.

    Source: intersection-union test, Berger, Technometrics 24 (1982) 295.
    """
    at, values = matrix(lambdas, measures)
    nan = float("nan")
    best = best_column(values)
    if best is None:
        reason = "no lambda at which every replicate stayed finite"
        return Resolved(False, nan, nan, nan, nan, nan, nan, level, reason)
    chance = (1 - level) / max(len(at) - 2, 1)
    low, high = (
        _end(values[:, i], values[:, best], chance, prior)
        for i, prior in zip((0, -1), priors, strict=True)
    )
    one = "all replicates but one diverged at an end of the grid"
    return by_ends(at, best, (low, high), level, too_few(len(values)), one)


def resolved_trials(
    lambdas: Sequence[ArrayLike], measures: Sequence[ArrayLike], level: float = 0.95
) -> list[Resolved]:
    """`resolved` of trials of one design, T arrays (S_t,) and (R, S_t), each with what all of them
    say of the noise.
    """
    spreads = [_variances(*matrix(at, table)) for at, table in zip(lambdas, measures, strict=True)]
    priors = tuple(
        prior_of([of[side][0] for of in spreads], [of[side][1] for of in spreads])
        for side in (0, 1)
    )
    return [
        resolved(at, table, level, (priors[0], priors[1]))
        for at, table in zip(lambdas, measures, strict=True)
    ]


def _variances(at: Floats, values: Floats) -> list[tuple[float, int]]:
    """Of the low end and the high end against the best: variance of the replicates' differences,
    and its degrees of freedom.
    """
    best, found = best_column(values), []
    for end in (0, len(at) - 1):
        difference = np.full(0, np.nan) if best is None else values[:, end] - values[:, best]
        difference = difference[np.isfinite(difference)]
        freedom = max(len(difference) - 1, 0)
        found.append((float(difference.var(ddof=1)) if freedom else np.nan, freedom))
    return found


def by_ends(
    lambdas: Floats, best: int, ends: tuple[End, End], level: float, few: str, one: str
) -> Resolved:
    """The verdict from what is known of both ends of lambdas (S,). ``few`` is why the runs carry no
    test, if they do not, and ``one`` what is said where an end has a single finite run.
    """
    (low, low_errors, low_critical), (high, high_errors, high_critical) = ends
    reason = few
    if not reason and len(lambdas) < MINIMUM_LAMBDAS:
        reason = f"{len(lambdas)} lambdas, {MINIMUM_LAMBDAS} are needed"
    if not reason and np.isnan([low_errors, high_errors]).any():
        reason = one
    at, nan = float(lambdas[best]), float("nan")
    if reason:
        return Resolved(False, at, low, high, nan, nan, nan, level, reason)
    said = low_errors > low_critical and high_errors > high_critical
    critical = max(low_critical, high_critical)
    return Resolved(said, at, low, high, low_errors, high_errors, critical, level)


def _end(end: Floats, best: Floats, chance: float, prior: Prior) -> End:
    """Mean difference of an end from the best, in standard errors, and what they must exceed."""
    finite = np.isfinite(end)
    n = int(finite.sum())
    if n == 0:
        return np.inf, np.inf, 0.0
    difference = end[finite] - best[finite]
    if n == 1:
        return float(difference[0]), np.nan, np.nan
    mean = float(difference.mean())
    if prior == NO_PRIOR:
        return mean, float(one_sample_t(difference)), float(stdtrit(n - 1, 1 - chance))
    variance, freedom = prior.moderate(float(difference.var(ddof=1)), n - 1)
    return mean, mean / np.sqrt(variance / n), float(stdtrit(freedom, 1 - chance))
