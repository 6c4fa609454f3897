"""How a round narrows: brackets, grids, and the step from one round to the next.

The measure M falls with lambda and rises again. A round measures it at `steps` values, evenly
spaced on the scale of the search (x = log10(lambda) or x = lambda), from one end of the bracket to
the other. The minimum lies between the two neighbours of the lowest, which are the next bracket:

    x_j = low + j * (high - low) / (steps - 1),  j = 0 ... steps - 1
    best = the j of lowest M(x_j);  next low, high = x_best-1, x_best+1

So each round divides the width by (steps - 1) / 2, until it is less than `termination_threshold` or
`max_rounds` is reached. `decide` is that; what it does at an end of the grid, it says.

Source: the original's protocol (docs/decisions.md). What remains of a bracket around the minimum of
a function with one valley: Kiefer, Proc. Am. Math. Soc. 4 (1953) 502.

All functions are pure. A bracket is the interval (low, high) of lambda being searched; on a
``log`` scale widths are in decades, on a ``linear`` scale in units of lambda.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NARROW = "the bracket is narrower than termination_threshold"
LAST_ROUND = "max_rounds is reached"
ALL_DIVERGED = "every step of the round diverged"

Bracket = tuple[float, float]


@dataclass(frozen=True)
class Decision:
    """What follows from a round.

    ``optimum`` is the index of the best step, None when all diverged; ``bracket`` that of the
    next round, None when the search of this trial ends, for the reason in ``stop``.
    """

    optimum: int | None
    bracket: Bracket | None
    stop: str | None


def decide(
    lambdas: Sequence[float],
    measures: Sequence[float],
    *,
    spacing: str,
    threshold: float,
    round_: int,
    max_rounds: int,
    expand_at_edge: bool,
    searched: Sequence[float] = (),
) -> Decision:
    """Pick the optimum of a round and the next, narrower bracket: the optimum's two neighbours.

    Args:
        lambdas: the round's grid, rising (steps,).
        measures: mean measure of each step (steps,), not finite where the step diverged.
        spacing: linear or log.
        threshold: narrowest bracket that is still searched.
        round_: index of this round.
        max_rounds: how many rounds a trial has at most.
        expand_at_edge: where the optimum is an end of the grid, search on beyond it with a
            bracket of the same width, instead of between it and its one neighbour. Where the
            search has been beyond it, the bracket is its neighbours among all that was trained, so
            that no search goes to and fro between two brackets.
        searched: lambdas of the rounds before, for ``expand_at_edge``.

    """
    usable = np.where(np.isfinite(measures), measures, np.inf)
    if not np.isfinite(usable).any():
        return Decision(None, None, ALL_DIVERGED)
    best = int(np.argmin(usable))
    last = len(lambdas) - 1
    bracket = (lambdas[max(best - 1, 0)], lambdas[min(best + 1, last)])
    if expand_at_edge and best in (0, last):
        bracket = (
            _neighbours(lambdas[best], [*lambdas, *searched])
            or beyond((lambdas[0], lambdas[last]), best == 0, spacing)
            or bracket
        )
    if width(bracket, spacing) < threshold:
        return Decision(best, None, NARROW)
    if round_ + 1 >= max_rounds:
        return Decision(best, None, LAST_ROUND)
    return Decision(best, bracket, None)


def draw_bracket(
    low_range: Sequence[float],
    high_range: Sequence[float],
    spacing: str,
    generator: np.random.Generator,
) -> Bracket:
    """The first bracket of a trial: each bound drawn uniformly, on the search's scale, from its
    range.
    """
    low, high = (
        generator.uniform(to_scale(ends[0], spacing), to_scale(ends[1], spacing))
        for ends in (low_range, high_range)
    )
    return rounded(from_scale(low, spacing)), rounded(from_scale(high, spacing))


def grid(bracket: Bracket, steps: int, spacing: str, known: Sequence[float] = ()) -> list[float]:
    """``steps`` values of lambda from low to high, both included, evenly spaced on the scale.

    A value that but for rounding is one of ``known``, the lambdas of the rounds before, becomes
    that one, so that a lambda that is met again is equal to the bit.
    """
    low, high = (to_scale(end, spacing) for end in bracket)
    inner = [from_scale(x, spacing) for x in np.linspace(low, high, steps)[1:-1]]
    # Ends are kept as they are: the next round meets its bracket's ends again, to the bit.
    return [bracket[0], *(_met(rounded(value), known) for value in inner), bracket[1]]


def width(bracket: Bracket, spacing: str) -> float:
    """Width of a bracket: decades on a log scale, lambda on a linear one."""
    return to_scale(bracket[1], spacing) - to_scale(bracket[0], spacing)


def _neighbours(value: float, known: Sequence[float]) -> Bracket | None:
    """The lambdas next to one of them on both sides; None where it is the first or the last."""
    below, above = [k for k in known if k < value], [k for k in known if k > value]
    return (max(below), min(above)) if below and above else None


def beyond(bracket: Bracket, at_low: bool, spacing: str) -> Bracket | None:
    """A bracket of the same width around one end; None where lambda would turn negative."""
    half = width(bracket, spacing) / 2
    center = to_scale(bracket[0] if at_low else bracket[1], spacing)
    low = from_scale(center - half, spacing)
    if low < 0 and bracket[0] == 0:
        return None
    return rounded(max(low, 0.0)), rounded(from_scale(center + half, spacing))


def to_scale(value: float, spacing: str) -> float:
    """A lambda on the scale of the search."""
    return math.log10(value) if spacing == "log" else float(value)


def from_scale(value: float, spacing: str) -> float:
    """The lambda of a value on the scale of the search."""
    return float(10.0**value) if spacing == "log" else float(value)


def rounded(value: float) -> float:
    """Twelve digits: short in files."""
    return float(f"{value:.12g}")


def _met(value: float, known: Sequence[float]) -> float:
    return next((k for k in known if math.isclose(value, k, rel_tol=1e-10)), value)
