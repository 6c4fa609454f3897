"""Where later trials look: around what the first ones found.

The first trials of a study (`first_trials`) search a bracket that is drawn for each, in rounds.
They find roughly where best lambdas lie, so a later trial has one round of few lambdas there. On
the scale of the search (log10(lambda), or lambda), with b_t the lambda that first trial t chose and
w the mean width of the brackets that were drawn,

    middle +- max(0.2 w, half of the distance between the b_t that are farthest apart + 0.1 w)

with the middle between these two: six lambdas are then somewhat closer together than those of a
first grid of nine. Farther apart, the fitted curves are biased; more of them cost more trainings
than they save trials (docs/decisions.md).

A trial whose lowest step is an end of that bracket goes beyond it once, by a bracket as wide.

Differences between base models are most of what is uncertain (docs/statistics.md), and so a trial
costs a third of a full search. All functions are pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ewc_lambda.search.rounds import (
    ALL_DIVERGED,
    LAST_ROUND,
    Bracket,
    Decision,
    beyond,
    from_scale,
    rounded,
    to_scale,
    width,
)

REACH = 0.2
"""Half of a later bracket, as a share of those that were drawn."""

SHOULDER = 0.1
"""What it reaches at least beyond the first trials' best lambdas, likewise."""

FEW_LAMBDAS = "a later trial has one round, around what the first trials found"


def is_later(config: Mapping[str, Any], trial: int) -> bool:
    """Whether a trial looks where the first trials found the best lambda."""
    first = config.get("first_trials")
    return first is not None and trial >= first


def steps_of(config: Mapping[str, Any], trial: int) -> int:
    """Lambda steps of a trial's rounds."""
    return int(config["later_steps" if is_later(config, trial) else "steps"])


def found_by(decided: Sequence[Mapping[str, Any]]) -> tuple[Bracket, float] | None:
    """What a first trial's decisions say: the bracket that was drawn, and the lambda of lowest
    measure of all its rounds. None where all diverged.
    """
    known = [d for d in decided if d["optimum"] is not None]
    best = [(d["measures"][d["optimum_step"]], d["optimum"]) for d in known]
    if not best:
        return None
    low, high = decided[0]["bracket"]
    return (low, high), min(best)[1]


def later_bracket(found: Sequence[tuple[Bracket, float]], spacing: str) -> Bracket:
    """The bracket of a later trial; ``found`` (at least one) is what first trials say."""
    drawn = float(np.mean([width(bracket, spacing) for bracket, _ in found]))
    best = [to_scale(value, spacing) for _, value in found]
    middle = (min(best) + max(best)) / 2
    half = max(REACH * drawn, max(best) - middle + SHOULDER * drawn)
    low, high = middle - half, middle + half
    if spacing == "linear":
        low = max(low, 0.0)
    return rounded(from_scale(low, spacing)), rounded(from_scale(high, spacing))


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
