"""Later trials, which look where the first ones found the best lambda.

The first trials of a study (`first_trials`) search a bracket that is drawn for each, in rounds.
They find roughly where best lambdas lie, so a later trial has one round of few lambdas there
(`later_bracket`). Differences between base models are most of what is uncertain
(docs/statistics.md), and so a trial costs a third of a full search.

A trial whose lowest step is an end of that bracket goes beyond it once, by a bracket as wide. All
functions are pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ewc_lambda.search.rounds import (
    ALL_DIVERGED,
    LAST_ROUND,
    Decision,
    beyond,
)

FEW_LAMBDAS = "a later trial has one round, around what the first trials found"


def is_later(config: Mapping[str, Any], trial: int) -> bool:
    """Whether a trial looks where the first trials found the best lambda."""
    first = config.get("first_trials")
    return first is not None and trial >= first


def steps_of(config: Mapping[str, Any], trial: int) -> int:
    """Lambda steps of a trial's rounds."""
    return int(config["later_steps" if is_later(config, trial) else "steps"])


def decide_later(
    lambdas: Sequence[float],
    measures: Sequence[float],
    *,
    spacing: str,
    round_: int,
    max_rounds: int,
) -> Decision:
    """What follows from a round of a later trial: the end, or once a bracket beyond the end of the
    grid that is best. Arguments are those of `rounds.decide`.
    """
    usable = np.where(np.isfinite(measures), measures, np.inf)
    if not np.isfinite(usable).any():
        return Decision(None, None, ALL_DIVERGED)
    best = int(np.argmin(usable))
    if round_ > 0 or best not in (0, len(lambdas) - 1):
        return Decision(best, None, FEW_LAMBDAS)
    if max_rounds == 1:
        return Decision(best, None, LAST_ROUND)
    outwards = beyond((lambdas[0], lambdas[-1]), best == 0, spacing)
    return Decision(best, outwards, None if outwards else FEW_LAMBDAS)
