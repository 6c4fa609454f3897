"""Student's t over replicates, the one test that everything here is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]


def one_sample_t(values: Floats) -> Floats:
    """Mean over its standard error, along the first axis: (R, ...) to (...).

    Where all replicates agree exactly the standard error is 0: the result is 0 for a mean of 0,
    and infinite with the sign of the mean otherwise.
    """
    mean = values.mean(axis=0)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    # Sums of equal numbers differ in their last digits; that is no difference between replicates.
    exact = error <= 1e-14 * np.abs(values).max(axis=0)
    infinite = np.where(np.abs(mean) > 1e-14, np.copysign(np.inf, mean), 0.0)
    return np.where(exact, infinite, mean / np.where(exact, 1.0, error))


def quantile(freedom: int | float, level: float) -> float:
    """What Student's t with ``freedom`` degrees of freedom stays below with probability
    ``level``.
    """
    return float(stdtrit(freedom, level))
