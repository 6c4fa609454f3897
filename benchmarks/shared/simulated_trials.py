"""Synthetic trials whose best lambda is known, for coverage.py and racing.py.

A synthetic trial has an expected measure f over x = log10(lambda), and replicates r with

    y_r(x) = f(x - shift_r) * (1 + e_rx) + tilt_r * (x - 5) + offset_r,

shift, tilt and offset drawn once per replicate (common random numbers: a smooth deviation over all
lambdas), e drawn afresh at each lambda. Its grid has random ends and is refined around the lowest
mean, round by round, as the search does. The truth is the minimum of the expectation of y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ewc_lambda.inference.replicates import best_column, trained
from ewc_lambda.inference.student import Floats
from ewc_lambda.search.racing import doubts, race


def parabola(x: Floats) -> Floats:
    return 0.6 + 0.05 * (x - 5.0) ** 2


def plateaus(x: Floats) -> Floats:
    """As measured in prototypes: 7.3 without penalty, 0.6 in a wide valley, 1.2 far right."""
    return 0.6 + 6.7 * expit(-(x - 1.716) / 0.70) + 0.6 * expit((x - 7.72) / 0.51)


def cliff(x: Floats) -> Floats:
    """A plateau at the left, an ever steeper rise at the right."""
    return 0.6 + expit(-(x - 3.5) / 0.6) + 0.02 * np.exp(1.2 * (np.minimum(x, 9.0) - 6.0))


def flat(x: Floats) -> Floats:
    return np.full_like(x, 0.7)


def half_flat(x: Floats) -> Floats:
    """The low end is as good as any, the high end is worse: the hardest case for `resolved`."""
    return 0.7 + 0.3 * np.maximum(x - 5.0, 0.0)


CURVES: dict[str, Callable[[Floats], Floats]] = {
    f.__name__: f for f in (parabola, plateaus, cliff, flat, half_flat)
}


@dataclass(frozen=True)
class Noise:
    shift: float
    rough: float
    tilt: float


NOISES = {
    "small": Noise(0.05, 0.003, 0.001),
    "medium": Noise(0.15, 0.01, 0.003),
    "large": Noise(0.3, 0.03, 0.01),
    "rough": Noise(0.1, 0.05, 0.002),
}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)


def expected(name: str, noise: Noise, x: Floats) -> Floats:
    curve = CURVES[name](np.atleast_1d(x)[None] - noise.shift * NODES[:, None])
    mean: Floats = WEIGHTS @ curve / WEIGHTS.sum()
    return mean


def true_best(name: str, noise: Noise) -> float:
    x = np.linspace(3.0, 8.0, 20001)
    return float(x[expected(name, noise, x).argmin()])


@dataclass(frozen=True)
class Trial:
    """x (S,) sorted, y (R, S), the columns of round 0, and the measure at lambda = 0 (R,)."""

    x: Floats
    y: Floats
    first: np.ndarray
    zero: Floats


def draw_trial(
    rng: np.random.Generator,
    name: str,
    noise: Noise,
    design: tuple[int, int, int],
    at: float = 0.0,
    racing: bool = False,
) -> Trial:
    replicates, steps, rounds = design
    shift = at + noise.shift * rng.standard_normal((replicates, 1))
    tilt = noise.tilt * rng.standard_normal((replicates, 1))
    offset = 0.1 * rng.standard_normal((replicates, 1))
    low, high = rng.uniform(1.0, 2.5), rng.uniform(7.0, 8.5)
    x, y, first = np.empty(0), np.empty((replicates, 0)), np.empty(0, dtype=bool)
    for r in range(rounds):
        grid = np.linspace(low, high, steps)
        new = np.array([not np.any(np.abs(x - v) < 1e-9) for v in grid])
        clean = CURVES[name](grid[new] - shift)
        drawn = clean * (1 + noise.rough * rng.standard_normal(clean.shape))
        drawn += tilt * (grid[new] - 5.0) + offset
        x, y = np.r_[x, grid[new]], np.c_[y, drawn]
        first = np.r_[first, np.full(int(new.sum()), r == 0)]
        order = x.argsort()
        x, y, first = x[order], y[:, order], first[order]
        columns = np.searchsorted(x, grid - 1e-6)
        if racing:
            y[:, columns] = raced(y[:, columns], new)
        best = best_column(y[:, columns])
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, steps - 1)]
    zero = 7.3 + offset[:, 0] + 0.1 * rng.standard_normal(replicates)
    return Trial(x, y, first, zero)


def raced(y: Floats, new: np.ndarray) -> Floats:
    """Measures (R, S) of a round with NaN for what its race spares; ``new`` (S,) are the lambdas
    that the round before did not have.
    """
    counts = trained(y)
    met = {step: y[: counts[step], step] for step in np.flatnonzero(~new)}
    found = race(
        dict(enumerate(doubts(y.shape[1], first_round=bool(new.all())))),
        len(y),
        met,
        lambda running, part: {step: y[part, step] for step in running},
    )
    kept = np.array([len(found[step]) for step in range(y.shape[1])])
    return np.where(np.arange(len(y))[:, None] < kept, y, np.nan)
