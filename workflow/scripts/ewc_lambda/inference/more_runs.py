"""What more runs would give, if they are like those that there are.

An error falls with the square root of the number of runs, and Student's factor with it. The ends of
an interval come closer by as much while the fitted curve is nearly a parabola over it. Over a wide
interval the noise bends the curve itself, and the ends come closer with the fourth root only
(tests/unit/inference/test_more_runs.py draws both).
"""

from __future__ import annotations

import numpy as np

from ewc_lambda.inference.best_lambda import (
    scaled,
    unscaled,
)
from ewc_lambda.inference.new_network import trials_needed
from ewc_lambda.inference.resolving import Resolved
from ewc_lambda.inference.student import quantile

WIDE = 1 / 8
"""Share of the lambdas' span from which on an interval is wide."""


def narrowed(
    estimate: float,
    ends: tuple[float, float],
    n: int,
    times: float,
    spacing: str,
    level: float,
    searched: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """Ends of the interval to expect with ``times`` as many of its n runs (or trials).

    ``searched`` are the lowest and the highest lambda, of which a wide interval is a large part;
    None for an interval over trials, which is never wide in this sense. NaN where there is none.
    """
    if n < 2 or not np.isfinite([estimate, *ends]).all():
        return float("nan"), float("nan")
    at, low, high = scaled(np.array([estimate, *ends]), spacing)
    span = np.inf if searched is None else float(np.ptp(scaled(np.array(searched), spacing)))
    power = 0.25 if high - low > WIDE * span else 0.5
    upper = 0.5 + level / 2
    factor = quantile(round(n * times) - 1, upper) / quantile(n - 1, upper) / times**power
    return (
        unscaled(float(at + factor * (low - at)), spacing),
        unscaled(float(at + factor * (high - at)), spacing),
    )


def times_to_resolve(said: Resolved) -> float:
    """How many times as many runs would call the minimum resolved, were the differences those that
    were measured: 1 where it is, infinite where an end is no worse than the best, NaN where nothing
    is known.
    """
    if said.resolved:
        return 1.0
    errors = min(said.low_errors, said.high_errors)
    if np.isnan(errors):
        return float("nan")
    return float((said.critical / errors) ** 2) if errors > 0 else float("inf")


def trials_to_resolve(said: Resolved, n: int) -> float:
    """How many trials in all would call a study of n resolved, were its trials to go on to differ
    as they do: Student's one-sided factor falls with their number, too. Infinite and NaN as
    `times_to_resolve`, and infinite where 10,000 are not enough.
    """
    times = times_to_resolve(said)
    if not 1 < times < np.inf:
        return n * times
    return float(trials_needed(n, times**-0.5, 2 * said.level - 1) or np.inf)
