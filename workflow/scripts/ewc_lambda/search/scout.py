"""Where lambda begins to act, and where nothing more is learned: the ranges from which brackets are
drawn where nobody gives them.

A scout trains one replicate of a base model at few lambdas over 36 decades. Where lambda is too
small its measure is that of lambda = 0, where it is too large the measure is that of a network that
does not move, and best is where it is lowest. Then

    low  = the largest lambda below the best at which the measure is still half way up, or more,
           from the lowest to that at the smallest lambda
    high = the smallest lambda above the best at which it is half way up to that at the largest,
           or at which training diverges

Lower bounds are drawn from the decade above low, upper ones from that below high; where the two are
near each other, from the decades outside. All functions are pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AUTO = "auto"

LAMBDAS = tuple(float(f"1e{exponent}") for exponent in range(-12, 25, 2))

LITTLE = 0.01
"""Share of all differences that is none: a measure that falls by less to its lowest is flat."""

NEAR = 4
"""Decades; an end is known to two of them."""


def is_auto(config: Any) -> bool:
    """Whether a study's ranges are those that a scout finds."""
    return bool(config.get("low_range") == AUTO)


def ranges(lambdas: Sequence[float], measures: Sequence[float]) -> dict[str, list[float]]:
    """``low_range`` and ``high_range`` for `rounds.draw_bracket`.

    Args:
        lambdas: rising (S,), S at least 2.
        measures: (S,), not finite where training diverged.

    """
    found = np.asarray(measures, dtype=float)
    found = np.where(np.isfinite(found), found, np.inf)
    finite = found[np.isfinite(found)]
    low, high = 0, len(found) - 1
    if finite.size and np.ptp(finite) > 0:
        little = LITTLE * np.ptp(finite)
        alike = np.flatnonzero(found <= finite.min() + little)
        # Where it is flat from an end on, best is where it begins to rise.
        best = int(
            alike[-1] if alike[0] == 0 else alike[0] if alike[-1] == high else found.argmin()
        )
        low = best - _half_way_up(found[best::-1], little)
        high = best + _half_way_up(found[best:], little)
    decade = 10.0
    least, most = lambdas[low], lambdas[high]
    if most < least * 10**NEAR:
        return {"low_range": [least / decade, least], "high_range": [most, most * decade]}
    return {"low_range": [least, least * decade], "high_range": [most / decade, most]}


def _half_way_up(outwards: Floats, little: float) -> int:
    """The first of some measures from the best outwards that is half way up to the last; the next
    to the best where they do not rise, and 0 where there is none.
    """
    rise = outwards[-1] - outwards[0]
    if len(outwards) == 1 or rise <= little:
        return min(1, len(outwards) - 1)
    if np.isinf(rise):
        return int(np.flatnonzero(np.isinf(outwards))[0])
    return int(np.flatnonzero(outwards - outwards[0] >= rise / 2)[0])
