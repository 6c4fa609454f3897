"""What the intervals of a study that stops by their width hold, and what it costs, measured on
simulated studies.

    python benchmarks/stopping.py                     every row
    python benchmarks/stopping.py --studies 200       quickly

The whole procedure is in it: brackets drawn for the first trials and narrowed round by round, the
few lambdas of later ones, looks, and stopping, by the functions of the workflow. Base models differ
in where their curve lies (normal, skewed, one in ten far off) or are drawn from the best lambdas of
committed studies (digits, mnist). Prints a table and writes nothing. docs/statistics.md holds what
it printed.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from new_network import BASES, Population, held
from shared.simulated_trials import CURVES, NOISES, Noise

from ewc_lambda.inference import best_lambda as st
from ewc_lambda.inference.across_trials import at_ends
from ewc_lambda.inference.mean_curve import Curves, fitted_curves, lambda_to_use
from ewc_lambda.inference.student import Floats
from ewc_lambda.reporting.answers import answer_importance, open_study
from ewc_lambda.search.by_config import decide_round, round_grid
from ewc_lambda.search.looks import STOPPED, look

Draw = Callable[[np.random.Generator, int], Floats]
CONFIG: dict[str, Any] = {
    "seed": 1,
    "spacing": "log",
    "low_range": [1, 10],
    "high_range": [1e7, 1e8],
    "steps": 9,
    "termination_threshold": 0.5,
    "max_rounds": 2,
    "expand_at_edge": False,
    "first_trials": 3,
    "later_steps": 6,
}
MOST = 60


def of_study(path: str) -> Draw:
    """Base models as far apart as the trials of a committed study, which are drawn with
    replacement.
    """
    study = open_study(Path(__file__).parent.parent / path)
    answer = answer_importance(study, study.importances[0])
    own = np.log10([trial.best.estimate for trial in answer.trials])
    return lambda rng, n: rng.choice(own - own.mean(), n)


class SimulatedTrial:
    """A trial whose measures are drawn instead of trained: lambdas, measures, ends of round 0."""

    def __init__(self, rng: np.random.Generator, name: str, noise: Noise, at: float, n: int):
        self._rng, self._curve, self._noise = rng, CURVES[name], noise
        self._shift = at + noise.shift * rng.standard_normal((n, 1))
        self._tilt = noise.tilt * rng.standard_normal((n, 1))
        self._offset = 0.1 * rng.standard_normal((n, 1))
        self._known: dict[float, Floats] = {}
        self.decisions: list[dict[str, Any]] = []
        self.trainings = 0

    def _measure(self, value: float) -> Floats:
        if value not in self._known:
            x = np.array([[np.log10(value)]])
            clean = self._curve(x - self._shift)
            rough = 1 + self._noise.rough * self._rng.standard_normal(clean.shape)
            self._known[value] = (clean * rough + self._tilt * (x - 5.0) + self._offset)[:, 0]
            self.trainings += len(self._shift)
        return self._known[value]

    def search(self, config: dict[str, Any], trial: int, first: list[list[dict[str, Any]]]) -> None:
        while not self.decisions or self.decisions[-1]["stop"] is None:
            before = self.decisions[-1] if self.decisions else None
            bracket, lambdas = round_grid(config, trial, before, first)
            measures = [float(self._measure(value).mean()) for value in lambdas]
            place = {"trial": trial, "round": len(self.decisions)}
            found = decide_round(config, place, lambdas, measures)
            self.decisions.append(
                {
                    "bracket": bracket,
                    "lambdas": lambdas,
                    "measures": measures,
                    "optimum_step": found.optimum,
                    "optimum": None if found.optimum is None else lambdas[found.optimum],
                    "next_bracket": found.bracket,
                    "stop": found.stop,
                }
            )

    @property
    def lambdas(self) -> Floats:
        return np.array(list(self._known))

    @property
    def measures(self) -> Floats:
        return np.stack(list(self._known.values()), axis=1)

    @functools.cached_property
    def end(self) -> str:
        return st.best_lambda(self.lambdas, self.measures, "log", self.first_ends).end

    @property
    def first_ends(self) -> tuple[float, float]:
        lambdas = self.decisions[0]["lambdas"]
        return lambdas[0], lambdas[-1]


def curves_of(trials: list[SimulatedTrial]) -> Curves:
    return fitted_curves(
        [t.lambdas for t in trials], [t.measures for t in trials], [t.first_ends for t in trials]
    )


def one_study(
    rng: np.random.Generator, name: str, noise: Noise, draw: Draw, target: float, replicates: int
) -> tuple[float, ...]:
    config = {**CONFIG, "seed": int(rng.integers(2**31))}
    at = draw(rng, MOST)
    trials: list[SimulatedTrial] = []
    count: int | None = 5
    while count is not None:
        for number in range(len(trials), count):
            trial = SimulatedTrial(rng, name, noise, at[number], replicates)
            first = [t.decisions for t in trials[: config["first_trials"]]]
            trial.search(config, number, first if number >= config["first_trials"] else [])
            trials.append(trial)
        curves, reason = curves_of(trials), at_ends([t.end for t in trials])
        use = lambda_to_use(curves, STOPPED)
        width = np.log10(use.high / use.low)
        if use.open_low or use.open_high or np.isnan(width):
            width = np.inf
        width = np.nan if reason else width
        count = look({"": width}, target, len(trials), MOST).next_trials
    alone = lambda_to_use(curves)
    true = POPULATIONS[name, noise, draw].use
    said = not reason and np.isfinite(use.low)
    return (
        said,
        held(use, true) if said else np.nan,
        held(alone, true) if said else np.nan,
        width <= target,
        np.log10(use.high / use.low) if said else np.nan,
        len(trials),
        sum(t.trainings for t in trials),
    )


POPULATIONS: dict[tuple[str, Noise, Draw], Population] = {}


def rows() -> Iterator[tuple[str, str, str, Draw, float, int]]:
    bases = {
        **BASES,
        "digits": of_study("results/reference/fixed_digits/study.h5"),
        "mnist": of_study("results/reference/findings_mnist/study.h5"),
    }
    for target in (0.3, 0.6, 1.0):
        for base in ("normal", "skewed", "far_off"):
            yield "plateaus", "medium", base, bases[base], target, 2
    yield "parabola", "medium", "normal", bases["normal"], 0.3, 2
    yield "cliff", "medium", "normal", bases["normal"], 0.6, 2
    yield "plateaus", "large", "normal", bases["normal"], 0.6, 3
    yield "plateaus", "small", "normal", bases["normal"], 0.3, 1
    yield "plateaus", "medium", "digits", bases["digits"], 0.3, 2
    yield "plateaus", "large", "mnist", bases["mnist"], 1.0, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies per row")
    arguments = parser.parse_args()
    begin = time.process_time()
    print("A study that stops by the width of its interval of the lambda to use. Share of studies")
    print("with an interval, and of those: coverage in % of the interval that is looked at and")
    print("reported (nominal 97%), and of one at 95%; share that reached the width within 60")
    print("trials; median width, in decades; mean number of trials and of trainings")
    print(
        f"{'curve':9} {'noise':7} {'bases':8} {'R':>2} {'width':>5} {'said':>6} {'reported':>8} "
        f"{'95%':>6} {'reached':>7} {'wide':>5} {'trials':>6} {'trainings':>9}"
    )
    for name, label, base, draw, target, replicates in rows():
        noise = NOISES[label]
        POPULATIONS[name, noise, draw] = Population(name, noise, draw)
        rng = np.random.default_rng(20261127)
        found = np.array(
            [
                one_study(rng, name, noise, draw, target, replicates)
                for _ in range(arguments.studies)
            ]
        )
        said, covers, alone, reached, _, trials, trainings = np.nanmean(found, axis=0)
        print(
            f"{name:9} {label:7} {base:8} {replicates:2d} {target:5.1f} {100 * said:6.1f} "
            f"{100 * covers:8.1f} {100 * alone:6.1f} {100 * reached:7.1f} "
            f"{np.nanmedian(found[:, 4]):5.2f} {trials:6.1f} {trainings:9.0f}",
            flush=True,
        )
    print(f"\n{arguments.studies} studies per row, {time.process_time() - begin:.0f} s CPU")


if __name__ == "__main__":
    main()
