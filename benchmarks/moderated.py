"""Verdicts of trials with few replicates: each alone, and with what all know of the noise.

    python benchmarks/moderated.py                    every row
    python benchmarks/moderated.py --studies 200      quickly

The trials of a study have noise of one size, or of sizes with a standard deviation of a factor
of 3. Prints how many trials are called resolved, in %: on curves that are flat, or on one side,
where it is false and at most 5 is right, and on one with a minimum.
Prints a table and writes nothing. docs/statistics.md holds what it printed.
"""

from __future__ import annotations

import argparse
import dataclasses
import time

import numpy as np
from shared.simulated_trials import NOISES, Noise, draw_trial

from ewc_lambda.inference.resolving import resolved, resolved_trials
from ewc_lambda.inference.student import Floats

CURVES = ("flat", "half_flat", "plateaus")


def of_size(noise: Noise, size: float) -> Noise:
    """Noise that is so many times as large in every way."""
    changed = {f.name: size * getattr(noise, f.name) for f in dataclasses.fields(noise)}
    return dataclasses.replace(noise, **changed)


def row(name: str, noise: Noise, spread: float, trials: int, n: int, studies: int) -> Floats:
    """Share of trials that are called resolved, in %: each alone, and together (2,)."""
    rng = np.random.default_rng(20261128)
    said = np.zeros(2)
    for _ in range(studies):
        sizes = spread ** rng.standard_normal(trials)
        drawn = [draw_trial(rng, name, of_size(noise, size), (n, 9, 1)) for size in sizes]
        lambdas, measures = [10.0**t.x for t in drawn], [t.y for t in drawn]
        alone = [resolved(at, y) for at, y in zip(lambdas, measures, strict=True)]
        together = resolved_trials(lambdas, measures)
        said += (
            np.mean([f.resolved for f in alone]),
            np.mean([f.resolved for f in together]),
        )
    return 100 * said / studies


def main() -> None:
    """Command line: see above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies per row")
    arguments = parser.parse_args()
    begin = time.process_time()
    print("Trials called resolved, in %: each alone / with all trials' noise")
    print(f"{'noise':7} {'differs':>7} {'T':>2} {'R':>2}" + "".join(f"{c:>16}" for c in CURVES))
    for label in ("medium", "large"):
        for spread in (1.0, 3.0):
            for trials, n in ((3, 2), (5, 2), (9, 2), (3, 3), (5, 3), (9, 3), (5, 8)):
                cells = [
                    row(name, NOISES[label], spread, trials, n, arguments.studies)
                    for name in CURVES
                ]
                print(
                    f"{label:7} {spread:7.1f} {trials:2d} {n:2d}"
                    + "".join("      " + " /".join(f"{v:4.1f}" for v in cell) for cell in cells),
                    flush=True,
                )
    print(f"\n{arguments.studies} studies per row, {time.process_time() - begin:.0f} s CPU")


if __name__ == "__main__":
    main()
