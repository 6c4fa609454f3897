"""How often statements are right where a curve is flat at an end, or a search goes on beyond it.

    python benchmarks/ends.py                  both tables
    python benchmarks/ends.py --studies 200    quickly

Prints tables and writes nothing. docs/statistics.md holds what it printed.
"""

from __future__ import annotations

import argparse
import time
from unittest.mock import patch

import numpy as np

from ewc_lambda.inference import curve_fit
from ewc_lambda.inference.best_lambda import (
    BestLambda,
    best_lambda,
)
from ewc_lambda.inference.resolving import resolved
from ewc_lambda.inference.student import Floats
from ewc_lambda.search.rounds import decide, grid

FLOOR = 0.3
CLOSE = 1 + 1e-9
Shape = tuple[float, float]


def floor_then_rise(x: Floats) -> Floats:
    """Level up to FLOOR, then an ever steeper rise: any lambda of the floor is a best one."""
    return 1 + 0.4 * np.maximum(x - FLOOR, 0) ** 2


def table_flat_end(studies: int) -> None:
    print("Beside a flat end, 6 replicates: interval of the best lambda that holds the lambda of")
    print("lowest mean, and some of the floor, in % of studies (open below in %); with the dip of")
    print("the spline taken for a minimum, and as it is")
    print(f"{'steps':>5} {'shift':>6} {'noise':>6}{'spline alone':>22}{'kept':>22}")
    for steps in (8, 10, 25):
        for shift, noise in ((0.02, 0.0), (0.05, 0.001), (0.1, 0.005), (0.2, 0.02)):
            rng = np.random.default_rng(20250111)
            rows = np.empty((studies, 2, 3))
            for study in range(studies):
                x = np.linspace(rng.uniform(-2.5, -1), rng.uniform(3, 4.5), steps)
                y = floor_then_rise(x - shift * rng.standard_normal((6, 1)))
                y += 0.1 * rng.standard_normal((6, 1)) + noise * rng.standard_normal(y.shape)
                with patch.object(curve_fit, "borne_out", lambda *_: True):
                    rows[study, 0] = _holds(best_lambda(10.0**x, y))
                rows[study, 1] = _holds(best_lambda(10.0**x, y))
            cells = 100 * rows.mean(axis=0)
            print(
                f"{steps:5d} {shift:6.2f} {noise:6.3f}"
                + "".join(f"{a:8.1f}{b:6.1f} ({c:5.1f})" for a, b, c in cells),
                flush=True,
            )


def _holds(found: BestLambda) -> tuple[bool, bool, bool]:
    lowest = found.low / CLOSE <= found.grid_best <= found.high * CLOSE
    return lowest, found.low <= 10.0**FLOOR, not found.bounded_low


def table_expanded(studies: int) -> None:
    print(
        "\nWith expand_at_edge, 4 rounds of 8 steps: resolved in % of trials (flat and half flat:"
    )
    print("at most 5); in how many the search went beyond its first grid")
    print(f"{'curve':15} {'R':>3}{'resolved':>10}{'beyond':>8}")
    for name, curve in (
        ("flat", (0.0, 5.0)),
        ("half flat", (0.3, 5.0)),
        ("minimum beyond", (0.3, 9.0)),
    ):
        for replicates in (3, 6, 12):
            rng = np.random.default_rng(20250112)
            found = [_expanded(rng, replicates, 0.1, curve, name) for _ in range(studies)]
            said, beyond = 100 * np.mean(found, axis=0)
            print(f"{name:15} {replicates:3d}{said:10.1f}{beyond:8.1f}", flush=True)


def _expanded(
    rng: np.random.Generator, replicates: int, noise: float, curve: Shape, name: str
) -> tuple[bool, bool]:
    """One search from 1e2 to 1e8: resolved or not, and whether it went beyond."""
    slope, at = curve
    lambdas: list[float] = []
    table: list[Floats] = []
    searched: list[float] = []
    bracket = (1e2, 1e8)
    for round_ in range(4):
        new = grid(bracket, 8, "log")
        x = np.log10(new)
        away = np.abs(x - at) if name == "minimum beyond" else np.maximum(x - at, 0)
        values = slope * away + noise * rng.standard_normal((replicates, 8))
        if not lambdas or new[0] < min(lambdas) or new[-1] > max(lambdas):
            lambdas += new
            table.append(values)
        found = decide(
            new,
            values.mean(axis=0),
            spacing="log",
            threshold=1e-9,
            round_=round_,
            max_rounds=4,
            expand_at_edge=True,
            searched=searched,
        )
        searched += new
        bracket = found.bracket or bracket
    return resolved(lambdas, np.concatenate(table, axis=1)).resolved, len(table) > 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=500, help="simulated studies per row")
    arguments = parser.parse_args()
    start = time.process_time()
    table_flat_end(arguments.studies)
    table_expanded(arguments.studies)
    print(f"\n{arguments.studies} studies per row, {time.process_time() - start:.0f} s CPU")


if __name__ == "__main__":
    main()
