"""How a study goes on from trial to trial, until it is as sure as was asked.

A study with a `target_width` w begins with `min_trials`. Whenever it has made all trials that it
was to make so far, n, it looks: it ends if the interval of the lambda to use is at most w wide, or
if there are `trials`. Else it goes on to the number of trials of which Student's factor, at the
spread that the n have, would leave an interval of w,

    smallest m with t(m - 1) / sqrt(m) <= w / width * t(n - 1) / sqrt(n),

but at most to 1.5 n, as a spread of few trials is uncertain itself. The numbers follow from results
alone: not from cores, nor from where a run was interrupted.

Who stops where an interval has become narrow stops too early more often than too late, so such a
study's 95% interval is one at `STOPPED`, here and where it is reported (docs/statistics.md measures
what that holds).

Source: Stein, Ann. Math. Stat. 16 (1945) 243, for the number of trials from the first ones' spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np

from ewc_lambda.inference.new_network import trials_needed

LEVEL = 0.95
"""What intervals hold."""

STOPPED = 0.98
"""Nominal level of an interval that holds 95% in a study that stopped by its width."""

GROWTH = 1.5
"""How many times as many trials a look may ask for."""

NARROW = "the interval is at most target_width wide"
ALL_TRIALS = "trials is reached"
NO_MINIMUM = "no trial more would give an interval: no minimum between the lambdas searched"


@dataclass(frozen=True)
class Look:
    """What follows from a look: how many trials there are to be, None when the study ends, for the
    reason in ``stop``.
    """

    next_trials: int | None
    stop: str | None


def look(widths: Mapping[str, float], target: float, n: int, most: int) -> Look:
    """What follows after n trials.

    Args:
        widths: of each importance measure, how wide its interval is: infinite where it is open at
            an end, NaN where the study has no minimum between the lambdas searched. The widest
            counts; one without a minimum does not, as more trials give it none.
        target: greatest width, in decades or units of lambda.
        n: trials so far, at least 2.
        most: trials at most.

    """
    known = [width for width in widths.values() if not np.isnan(width)]
    if not known:
        return Look(None, NO_MINIMUM)
    widest = max(known)
    if widest <= target:
        return Look(None, NARROW)
    if n >= most:
        return Look(None, ALL_TRIALS)
    needed = trials_needed(n, target / widest, STOPPED) if np.isfinite(widest) else None
    return Look(min(most, max(n + 1, min(needed or most, ceil(GROWTH * n)))), None)
