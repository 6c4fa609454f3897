"""How often what a study says of a new network is right, measured on simulated studies.

    python benchmarks/new_network.py                     every table
    python benchmarks/new_network.py --studies 200       quickly

Prints tables and writes nothing. docs/statistics.md holds what it printed. Base models differ in
where their curve lies (normal, skewed, or one in ten far off); trials are those of
simulated_trials.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from shared.simulated_trials import CURVES, NODES, NOISES, WEIGHTS, Noise, Trial, draw_trial

from ewc_lambda.inference import best_lambda as st
from ewc_lambda.inference.across_trials import study_best_lambda
from ewc_lambda.inference.mean_curve import Curves, fitted_curves, lambda_to_use
from ewc_lambda.inference.new_network import predicted_best
from ewc_lambda.inference.regret import regret
from ewc_lambda.inference.student import Floats

Draw = Callable[[np.random.Generator, int], Floats]
X = np.linspace(2.0, 8.0, 1201)
POPULATION = 4000


def normal(rng: np.random.Generator, n: int) -> Floats:
    return 0.3 * rng.standard_normal(n)


def skewed(rng: np.random.Generator, n: int) -> Floats:
    return 0.3 * (rng.exponential(1.0, n) - 1.0)


def far_off(rng: np.random.Generator, n: int) -> Floats:
    """One base model in ten lies 1.2 decades above."""
    return 0.2 * rng.standard_normal(n) + 1.2 * (rng.uniform(size=n) < 0.1)


BASES: dict[str, Draw] = {f.__name__: f for f in (normal, skewed, far_off)}
# trials, and replicates, steps, rounds of each
DESIGNS = ((5, (3, 9, 1)), (5, (8, 8, 2)), (10, (3, 9, 1)), (20, (1, 12, 1)))


class Population:
    """Many base models: their expected curves on X, and what is true of all of them."""

    def __init__(self, name: str, noise: Noise, draw: Draw) -> None:
        at = draw(np.random.default_rng(20250109), POPULATION)
        base = X[None] - at[:, None]
        self.curves = sum(
            weight * CURVES[name](base - noise.shift * node)
            for node, weight in zip(NODES, WEIGHTS / WEIGHTS.sum(), strict=True)
        )
        self.lowest = self.curves.min(axis=1)
        self.own = X[self.curves.argmin(axis=1)]
        self.use = float(X[self.curves.mean(axis=0).argmin()])
        self.mean_own = float(self.own.mean())

    def loss(self, x: float) -> float:
        """Expected regret of a lambda on a new base model, as a share."""
        at = int(np.abs(X - x).argmin())
        return float(np.mean(self.curves[:, at] / self.lowest - 1))


def curves_of(trials: list[Trial]) -> Curves:
    return fitted_curves(
        [10.0**t.x for t in trials],
        [t.y for t in trials],
        [(10.0 ** t.x[t.first][0], 10.0 ** t.x[t.first][-1]) for t in trials],
    )


def own_best(trial: Trial) -> float:
    first = 10.0 ** trial.x[trial.first]
    return st.best_lambda(10.0**trial.x, trial.y, "log", (first[0], first[-1])).estimate


def held(found: st.Interval, x: float) -> bool:
    below = found.open_low or found.low <= 10.0**x
    return bool(below and (found.open_high or 10.0**x <= found.high))


def one_study(
    rng: np.random.Generator, name: str, noise: Noise, draw: Draw, trials: int, design: tuple
) -> tuple[float, ...]:
    drawn = [draw_trial(rng, name, noise, design, at) for at in draw(rng, trials)]
    population = POPULATIONS[name, noise, draw]
    curves = curves_of(drawn)
    use, loss = lambda_to_use(curves), regret(curves)
    own = [own_best(trial) for trial in drawn]
    mean, new = study_best_lambda(own), predicted_best(own)
    return (
        held(use, population.use),
        np.log10(use.high / use.low),
        held(mean, population.mean_own),
        held(mean, population.use),
        np.mean((np.log10(new.low) <= population.own) & (population.own <= np.log10(new.high))),
        population.loss(np.log10(use.estimate)),
        population.loss(np.log10(mean.estimate)),
        loss.mean,
        loss.most,
    )


POPULATIONS: dict[tuple[str, Noise, Draw], Population] = {}


def table(studies: int) -> None:
    print("A new network. Coverage in %: the lambda to use (median width in decades; share of")
    print("studies that have one); the mean of the trials' own best, of itself and, where it is")
    print(
        "taken for it, of the lambda to use; a new network's own best in the prediction interval."
    )
    print("Regret in % of the measure: true one of the lambda to use and of the mean of the own")
    print("best, what is said, and in how many studies the upper bound holds")
    print(
        f"{'curve':9} {'bases':8} {'noise':7} {'T':>2} {'R':>2} {'grid':>5}{'to use':>19}"
        f"{'mean own':>9}{'for use':>8}{'own':>6}{'regret':>8}{'of mean':>8}{'said':>6}{'bound':>7}"
    )
    for name, label in (("parabola", "medium"), ("plateaus", "medium"), ("plateaus", "large")):
        for base, draw in BASES.items():
            noise = NOISES[label]
            POPULATIONS[name, noise, draw] = Population(name, noise, draw)
            for trials, design in DESIGNS:
                rng = np.random.default_rng(20250110)
                found = np.array(
                    [one_study(rng, name, noise, draw, trials, design) for _ in range(studies)]
                )
                said = np.isfinite(found[:, 5])
                rows = found[said]
                use, _, mean, for_use, own, true, other, loss, _ = 100 * rows.mean(axis=0)
                bound = 100 * np.mean(rows[:, 8] >= rows[:, 5].mean())
                print(
                    f"{name:9} {base:8} {label:7} {trials:2d} {design[0]:2d} "
                    f"{design[1]:2d}x{design[2]:<2d}{use:7.1f} ({np.median(rows[:, 1]):4.2f},"
                    f"{100 * said.mean():4.0f}){mean:9.1f}{for_use:8.1f}{own:6.1f}"
                    f"{true:8.2f}{other:8.2f}{loss:6.2f}{bound:7.1f}",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=400, help="simulated studies per row")
    arguments = parser.parse_args()
    start = time.process_time()
    table(arguments.studies)
    print(f"\n{arguments.studies} studies per row, {time.process_time() - start:.0f} s CPU")


if __name__ == "__main__":
    main()
