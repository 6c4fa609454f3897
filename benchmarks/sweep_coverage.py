"""Coverage of the statements about a sweep, by simulation (docs/statistics.md).

A sweep has S lambdas, evenly spaced over x = log10(lambda), and n_s runs at each, with

    y = f(x - shift) + sd(x) * e

Where every run has a seed of its own (`unpaired`), shift and e are drawn for each run. Where seeds
are shared (`paired`), a seed has one shift and one offset at all lambdas, and some of its runs are
missing, so that only the seeds that all lambdas have are left. Curves are those of coverage.py; the
truth is the minimum of the expectation of y, or, of a set, its lowest lambda.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shared.simulated_trials import CURVES, Noise, expected, true_best

from ewc_lambda.inference import best_lambda as paired
from ewc_lambda.inference import unpaired
from ewc_lambda.inference.student import Floats

SEED = 20260101


@dataclass(frozen=True)
class SetUp:
    """Runs at each lambda from ``fewest`` to ``most``: noise of standard deviation ``sd``, up to
    ``uneven`` times as much at the high end, and a shift for each run, in decades.
    """

    curve: str
    lambdas: int
    fewest: int
    most: int
    sd: float
    uneven: float = 1.0
    shift: float = 0.0
    tails: bool = False

    @property
    def truth(self) -> float:
        """The lowest point of the expected curve."""
        return true_best(self.curve, Noise(self.shift, 0.0, 0.0))

    def grid(self, rng: np.random.Generator) -> Floats:
        """Lambdas of one sweep (S,), in decades."""
        return np.linspace(rng.uniform(1.0, 2.5), rng.uniform(7.0, 8.5), self.lambdas)

    def noise(self, rng: np.random.Generator, size: tuple[int, int]) -> Floats:
        """Deviations (R, S)."""
        drawn = rng.exponential(1.0, size) - 1.0 if self.tails else rng.standard_normal(size)
        return np.asarray(self.sd * np.geomspace(1.0, self.uneven, self.lambdas) * drawn)

    def unpaired(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Lambdas x (S,) and measures (R, S), NaN below the runs of a lambda."""
        x = self.grid(rng)
        size = (self.most, self.lambdas)
        y = CURVES[self.curve](x - self.shift * rng.standard_normal(size)) + self.noise(rng, size)
        count = rng.integers(self.fewest, self.most + 1, self.lambdas)
        return x, np.where(np.arange(self.most)[:, None] < count, y, np.nan)

    def paired(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Lambdas x (S,) and measures (R, S) of the seeds of which no run is lost."""
        x = self.grid(rng)
        size = (self.most, self.lambdas)
        of_seed = rng.standard_normal((2, self.most, 1))
        y = CURVES[self.curve](x - self.shift * of_seed[0]) + self.noise(rng, size)
        y += 0.1 * of_seed[1]
        whole = rng.random(self.most) > 0.2
        whole[: self.fewest] = True
        return x, y[whole]


SET_UPS = (
    SetUp("parabola", 9, 5, 5, 0.02),
    SetUp("parabola", 9, 5, 5, 0.1),
    SetUp("parabola", 12, 10, 10, 0.1, uneven=5.0),
    SetUp("parabola", 20, 5, 30, 0.05, shift=0.2),
    SetUp("parabola", 20, 5, 30, 0.1, tails=True),
    SetUp("parabola", 52, 20, 30, 0.1),
    SetUp("plateaus", 9, 5, 5, 0.05),
    SetUp("plateaus", 12, 10, 10, 0.05, uneven=5.0),
    SetUp("plateaus", 15, 5, 30, 0.2),
    SetUp("plateaus", 20, 5, 10, 0.1, uneven=0.2, shift=0.2),
    SetUp("plateaus", 30, 30, 30, 0.2, tails=True),
    SetUp("cliff", 9, 5, 5, 0.02),
    SetUp("cliff", 12, 10, 10, 0.05, uneven=5.0),
    SetUp("cliff", 20, 5, 30, 0.05, shift=0.2),
    SetUp("cliff", 20, 5, 10, 0.1, uneven=0.2),
    SetUp("cliff", 52, 20, 30, 0.1),
    SetUp("parabola", 12, 3, 3, 0.05),
    SetUp("plateaus", 12, 2, 5, 0.05),
)


def held(best: paired.BestLambda, truth: float) -> tuple[bool, float]:
    """Whether an interval holds the truth, and its width in decades; infinite where open."""
    low = np.log10(best.low) if best.bounded_low else -np.inf
    high = np.log10(best.high) if best.bounded_high else np.inf
    return bool(low <= truth <= high), float(high - low)


def measure(of: SetUp, sweeps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each sweep, whether both intervals and the set hold the truth, and the widths."""
    truth = of.truth
    said, width = np.empty((sweeps, 3)), np.empty((sweeps, 2))
    rng = np.random.default_rng(SEED)
    for s in range(sweeps):
        x, y = of.unpaired(rng)
        said[s, 0], width[s, 0] = held(unpaired.best_lambda(10.0**x, y), truth)
        lowest = expected(of.curve, Noise(of.shift, 0.0, 0.0), x).argmin()
        kept = np.log10(unpaired.indistinguishable(10.0**x, y).lambdas)
        said[s, 1] = np.isclose(kept, x[lowest]).any()
        x, y = of.paired(rng)
        said[s, 2], width[s, 1] = held(paired.best_lambda(10.0**x, y), truth)
    return said, width


def table_best(sweeps: int) -> None:
    print("\nBest lambda of a sweep: coverage in % (share bounded in %, median width in decades),")
    print("and % of sets, of those not told from the best, that hold the lowest of the lambdas")
    print(
        f"{'curve':9}{'S':>3} {'runs':>8} {'sd':>5} {'uneven':>6} {'shift':>5} {'tails':>5}"
        f"{'unpaired':>19}{'set':>7}{'paired':>19}"
    )
    for of in SET_UPS:
        said, width = measure(of, sweeps)
        own, inside, shared = 100 * said.mean(axis=0)
        bounded, typical = 100 * np.isfinite(width).mean(axis=0), np.median(width, axis=0)
        runs = str(of.most) if of.fewest == of.most else f"{of.fewest} to {of.most}"
        print(
            f"{of.curve:9}{of.lambdas:3d} {runs:>8} {of.sd:5.2f} {of.uneven:6.1f} {of.shift:5.1f} "
            f"{'exp' if of.tails else '':>5}{own:8.1f} ({bounded[0]:3.0f},{typical[0]:5.2f})"
            f"{inside:7.1f}{shared:8.1f} ({bounded[1]:3.0f},{typical[1]:5.2f})",
            flush=True,
        )


def table_resolved(sweeps: int) -> None:
    print("\nResolved, in % of sweeps without pairs (flat and half flat: at most 5)")
    print(f"{'S':>3} {'runs':>8} {'uneven':>6}{'flat':>8}{'half':>8}{'plateaus':>10}")
    for lambdas, fewest, most, uneven in ((9, 5, 5, 1.0), (12, 5, 30, 1.0), (20, 5, 10, 5.0)):
        cells = []
        for curve in ("flat", "half_flat", "plateaus"):
            of = SetUp(curve, lambdas, fewest, most, 0.2, uneven)
            rng = np.random.default_rng(SEED)
            drawn = (of.unpaired(rng) for _ in range(sweeps))
            cells.append(100 * np.mean([unpaired.resolved(10.0**x, y).resolved for x, y in drawn]))
        runs = str(most) if fewest == most else f"{fewest} to {most}"
        print(f"{lambdas:3d} {runs:>8} {uneven:6.1f}{cells[0]:8.1f}{cells[1]:8.1f}{cells[2]:10.1f}")


TABLES = {"best": table_best, "resolved": table_resolved}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "tables", nargs="*", metavar="table", help=f"default: all of {', '.join(TABLES)}"
    )
    parser.add_argument("--sweeps", type=int, default=1000, help="simulated sweeps per row")
    arguments = parser.parse_args()
    if unknown := set(arguments.tables) - set(TABLES):
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    start = time.perf_counter()
    for name in arguments.tables or TABLES:
        TABLES[name](arguments.sweeps)
    print(f"\n{arguments.sweeps} sweeps per row, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
