"""How a study goes on from trial to trial, until it is as sure as was asked.

A study with a `target_width` w begins with `min_trials`. Whenever it has made all trials that it
was to make so far, n, it looks: it ends if the interval of the lambda to use is at most w wide, or
if there are `trials`. Else it goes on to the number of trials of which Student's factor, at the
spread that the n have, would leave an interval of w,

    smallest m with t(m - 1) / sqrt(m) <= w / width * t(n - 1) / sqrt(n),

but at most to 1.5 n, as a spread of few trials is uncertain itself. The numbers follow from results
alone: not from cores, nor from where a run was interrupted.

With a `target_gain` it does so by the interval of the gain over lambda = 0; with both it ends when
both are met, and m is the larger one.

Who stops where an interval has become narrow stops too early more often than too late, so such a
study's 95% interval is one at `STOPPED`, here and where it is reported (docs/statistics.md measures
what that holds): that of what it asked for.

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
NARROW_GAIN = "the interval of the gain is at most target_gain wide"
NARROW_BOTH = f"{NARROW}, and that of the gain at most target_gain"
ALL_TRIALS = "trials is reached"
NO_MINIMUM = "no trial more would give an interval: no minimum between the lambdas searched"
NO_GAIN = "no trial more would give the gain an interval: a trial has no finite one"
SURE = (NARROW, NARROW_GAIN, NARROW_BOTH)
"""Reasons of a study that is as sure as was asked."""


@dataclass(frozen=True)
class Look:
    """What follows from a look: how many trials there are to be, None when the study ends, for the
    reason in ``stop``.
    """

    next_trials: int | None
    stop: str | None


def look(
    widths: Mapping[str, float],
    target: float | None,
    n: int,
    most: int,
    gains: Mapping[str, float] | None = None,
    target_gain: float | None = None,
) -> Look:
    """What follows after n trials.

    Args:
        widths: of each importance measure, how wide its interval is: infinite where it is open at
            an end, NaN where the study has no minimum between the lambdas searched. The widest
            counts; one without a minimum does not, as more trials give it none.
        target: greatest width, in decades or units of lambda; None where it is not asked for.
        n: trials so far, at least 2.
        most: trials at most.
        gains: of each importance measure, how wide the interval of its gain is: NaN where a trial
            has no finite gain. The widest counts, likewise.
        target_gain: greatest width of that, in units of what lambda is chosen by, or None.

    """
    asked = [(widths, target, NARROW, NO_MINIMUM), (gains or {}, target_gain, NARROW_GAIN, NO_GAIN)]
    met, needed = [], n + 1
    for of, most_wide, narrow, never in asked:
        if most_wide is None:
            continue
        known = [width for width in of.values() if not np.isnan(width)]
        if not known:
            return Look(None, never)
        widest = max(known)
        if widest <= most_wide:
            met.append(narrow)
        elif np.isfinite(widest):
            needed = max(needed, trials_needed(n, most_wide / widest, STOPPED) or most)
        else:
            needed = max(needed, most)
    if len(met) == sum(most_wide is not None for _, most_wide, _, _ in asked):
        return Look(None, met[0] if len(met) == 1 else NARROW_BOTH)
    if n >= most:
        return Look(None, ALL_TRIALS)
    return Look(min(most, max(n + 1, min(needed, ceil(GROWTH * n)))), None)
