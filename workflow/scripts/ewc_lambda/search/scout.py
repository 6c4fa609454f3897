"""Where lambda begins to act, and where nothing more is learned: the ranges from which brackets are
drawn where nobody gives them.

A scout trains one replicate of a base model at few lambdas over 36 decades. Where lambda is too
small its measure is that of lambda = 0, where it is too large the measure is that of a network that
does not move. So with D the distance between the scout's lowest and highest measure,

    low  = the largest lambda up to which every measure is within 5% of D of that at the smallest
    high = the smallest lambda from which on every measure is within 5% of D of that at the largest,
           or training diverges

where a shallow dip, of 1% of D at least, stays between them. The minimum lies between. Lower bounds
are drawn from the decade above low, upper ones from that below high; where the two are near each
other, from the decades outside. All functions are pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

AUTO = "auto"

LAMBDAS = tuple(float(f"1e{exponent}") for exponent in range(-12, 25, 2))

ALIKE, DIP = 0.05, 0.01

NEAR = 4
"""Decades; an end is known to two of them."""


def is_auto(config: Any) -> bool:
    """Whether a study's ranges are those that a scout finds."""
    return bool(config["low_range"] == AUTO)


def ranges(lambdas: Sequence[float], measures: Sequence[float]) -> dict[str, list[float]]:
    """``low_range`` and ``high_range`` for `rounds.draw_bracket`.

    Args:
        lambdas: rising (S,), S at least 2.
        measures: (S,), not finite where training diverged.

    """
    found = np.asarray(measures, dtype=float)
    # Comparisons with NaN are false.
    found = np.where(np.isfinite(found), found, np.nan)
    finite = found[np.isfinite(found)]
    low, high = 0, len(found) - 1
    if finite.size and np.ptp(finite) > 0:
        alike, dip = ALIKE * np.ptp(finite), DIP * np.ptp(finite)
        best = int(np.nanargmin(found))
        while low < high and np.abs(found[low + 1] - found[0]) <= alike:
            low += 1
        while high > low and _settled(found[high - 1], found[-1], alike):
            high -= 1
        if found[best] < found[0] - dip:
            low = min(low, best - 1)
        if not found[best] >= found[-1] - dip:
            high = max(high, best + 1)
    decade = 10.0
    least, most = lambdas[low], lambdas[high]
    if most < least * 10**NEAR:
        return {"low_range": [least / decade, least], "high_range": [most, most * decade]}
    return {"low_range": [least, least * decade], "high_range": [most / decade, most]}


def _settled(value: float, last: float, alike: float) -> bool:
    """Whether a measure is like that at the largest lambda."""
    if np.isnan(last):
        return bool(np.isnan(value))
    return bool(np.abs(value - last) <= alike)
