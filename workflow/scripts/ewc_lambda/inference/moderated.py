"""What trials of one design know of each other's noise (empirical Bayes).

With two replicates a trial's own variance has one degree of freedom and tells next to nothing. The
trials of a study repeat one design, and their noise is of about one size: how much their variances
differ says how much that of the others is worth. True variances are taken to be drawn from

    s0^2 d0 / chi-square(d0)

d0 and s0^2 are those at which logarithms of the variances have the mean and the spread that they
have. A trial's variance s^2, of d degrees of freedom, then becomes

    (d0 s0^2 + d s^2) / (d0 + d)    of d0 + d degrees of freedom.

Where variances differ by no more than chance, d0 is infinite, and all have one.

Source: Smyth, Stat. Appl. Genet. Mol. Biol. 3 (2004), article 3, sections 4 and 6.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

LEAST_TRIALS = 3
"""Trials from which on their variances say something of one another."""


@dataclass(frozen=True)
class Prior:
    """A variance and the degrees of freedom that it is worth; none by default."""

    variance: float = 0.0
    freedom: float = 0.0

    def moderate(self, variance: float, freedom: int) -> tuple[float, float]:
        """A trial's variance with what the others know, and its degrees of freedom."""
        if np.isinf(self.freedom):
            return self.variance, np.inf
        total = self.freedom + freedom
        return (self.freedom * self.variance + freedom * variance) / total, total


NO_PRIOR = Prior()


def prior_of(variances: ArrayLike, freedom: ArrayLike) -> Prior:
    """What variances (T,), of ``freedom`` (T,) degrees each, say of the one of another trial.

    A variance that is NaN or 0 (a trial without replicates, or of equal ones) is left out. Fewer
    than `LEAST_TRIALS` say nothing.
    """
    s, d = np.broadcast_arrays(np.asarray(variances, dtype=float), np.asarray(freedom, dtype=float))
    known = (s > 0) & np.isfinite(s) & (d > 0)
    s, d = s[known], d[known]
    if len(s) < LEAST_TRIALS:
        return NO_PRIOR
    e = np.log(s) - digamma(d / 2) + np.log(d / 2)
    # What the logarithms differ by more than chance makes them.
    excess = float(e.var(ddof=1) - polygamma(1, d / 2).mean())
    if excess <= 0:
        return Prior(float(np.exp(e.mean())), np.inf)
    half = _inverse_trigamma(excess)
    return Prior(float(np.exp(e.mean() + digamma(half) - np.log(half))), 2 * half)


def _inverse_trigamma(value: float) -> float:
    """The x at which the trigamma function is ``value``: between 1 / x and 1 / x + 1 / x^2."""
    low = 1 / value
    high = 0.5 / value + np.sqrt(0.25 / value**2 + 1 / value)
    if polygamma(1, low) <= value:
        return low
    return float(brentq(lambda x: polygamma(1, x) - value, low, high * (1 + 1e-9)))
