"""Which replicates a table of measures holds.

Measures of a trial are arrays (R, S): R replicates over S lambdas. A value is infinite where the
replicate diverged and NaN where it was not trained, because the step was dropped in a race; a step
has its first replicates, so a column is numbers down to some row and NaN below.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.inference.student import Floats, one_sample_t


def trained(measures: Floats) -> NDArray[np.intp]:
    """Number of replicates of each lambda: measures (R, ...) to (...).

    Raises:
        ValueError: a replicate that was not trained stands before one that was.

    """
    there = ~np.isnan(measures)
    if np.any(there[1:] & ~there[:-1]):
        raise ValueError("a replicate that was not trained (NaN) stands before one that was")
    return np.asarray(there.sum(axis=0))


def usable(measures: Floats) -> NDArray[np.bool_]:
    """Columns in which no replicate diverged: where one did, the expected measure is not finite."""
    return np.asarray((trained(measures) > 0) & ~np.isinf(measures).any(axis=0))


def complete(measures: Floats) -> NDArray[np.bool_]:
    """Usable columns with the most replicates: without a race, all usable ones."""
    use, count = usable(measures), trained(measures)
    return np.asarray(use & (count == count.max(where=use, initial=0)))


def comparable_means(measures: Floats) -> Floats:
    """Expected measures (S,) from measures (R, S), infinite where a replicate diverged.

    Offsets that a replicate has at all lambdas do not move a lambda with fewer replicates: it lies
    above the complete ones by as much as in the replicates that it has.
    """
    use = usable(measures)
    means = np.full(use.shape, np.inf)
    if use.any():
        means[use] = filled(measures[:, use]).mean(axis=0)
    return means


def best_column(measures: Floats) -> int | None:
    """Index of the lowest mean among the complete columns, None where there is none."""
    candidates = np.where(complete(measures), comparable_means(measures), np.inf)
    return int(candidates.argmin()) if np.isfinite(candidates).any() else None


def filled(measures: Floats) -> Floats:
    """Measures (R, S), all usable, with an expectation for each replicate that was not trained:
    what it has at the complete lambdas, plus how much higher the lambda was in the replicates that
    it has. Measures of equal numbers of replicates are left as they are; replicates of no lambda
    are left out.
    """
    count = trained(measures)
    measures = measures[: count.max()]
    missing = np.isnan(measures)
    if not missing.any():
        return measures
    level = measures[:, complete(measures)].mean(axis=1, keepdims=True)
    above = np.where(missing, 0.0, measures - level).sum(axis=0) / count
    return np.where(missing, level + above, measures)


def paired_t(differences: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """`one_sample_t` of each column's own replicates, (R, ...) to (...), and their number; NaN
    with fewer than two.
    """
    count = trained(differences)
    found = np.full(count.shape, np.nan)
    for n in np.unique(count[count > 1]):
        found[count == n] = one_sample_t(differences[:n, count == n])
    return found, count


def sums_t(
    measures: Floats, sums: Callable[[Floats], Floats]
) -> tuple[Floats, NDArray[np.float64] | int]:
    """Student's t of weighted sums of the expected measures, and its degrees of freedom.

    measures (R, S), all usable; ``sums`` takes measures (n, S) to sums (n, G), the same weights for
    each row, which add up to 0; returns t and degrees of freedom (G,).

    With equal numbers of replicates this is the one-sample t of the replicates' own sums. With
    fewer at some lambdas, replicates fall into blocks that have the same lambdas. A replicate adds
    to an estimated sum its measures over the lambdas' numbers of replicates, weighted. The variance
    of that in a block is estimated from all replicates that have the block's lambdas; as these
    estimates share replicates, the degrees of freedom are those for errors that go together, fewer
    than Satterthwaite's (Biometrics Bull. 2 (1946) 110) for independent ones.
    """
    count = trained(measures)
    if len(np.unique(count)) == 1:
        return one_sample_t(sums(measures)), len(measures) - 1
    whole = filled(measures)
    centred = whole - whole[:, complete(measures)].mean(axis=1, keepdims=True)
    mean = sums(whole).mean(axis=0)
    variance, spread = np.zeros_like(mean), np.zeros_like(mean)
    blocks = np.unique(count)
    for before, n in pairwise((0, *blocks)):
        own = sums(np.where(count >= n, centred[:n] / count, 0.0))
        share = (n - before) * own.var(axis=0, ddof=1)
        variance += share
        spread += share / np.sqrt(n - 1)
    error = np.sqrt(variance)
    # As in one_sample_t: sums of equal numbers differ in their last digits.
    exact = error <= 1e-14 * np.abs(whole).max()
    infinite = np.where(np.abs(mean) > 1e-14, np.copysign(np.inf, mean), 0.0)
    t = np.where(exact, infinite, mean / np.where(exact, 1.0, error))
    freedom = (variance / np.where(exact, 1.0, spread)) ** 2
    return t, np.where(exact, blocks[-1] - 1, np.minimum(freedom, blocks[-1] - 1))
