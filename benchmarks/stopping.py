"""What the intervals of a study that stops by their width hold, and what it costs, measured on
simulated studies.

    python benchmarks/stopping.py                     every row
    python benchmarks/stopping.py --studies 200       quickly

The whole procedure is in it: brackets drawn for the first trials and narrowed round by round, the
few lambdas of later ones, looks, and stopping, by the functions of the workflow. Curves are made
up, and base models differ in where theirs lies (normal, skewed, one in ten far off); or curves,
noise and base models are those of a committed study (shared/resampled_trials.py). What is sought is
the lambda at which the geometric mean over all base models is lowest, in one row the arithmetic.
Prints a table and writes nothing. docs/statistics.md holds what it printed.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from new_network import BASES, Population, X, held
from shared.resampled_trials import base_models
from shared.simulated_trials import CURVES, NOISES

from ewc_lambda.inference import best_lambda as st
from ewc_lambda.inference.across_trials import at_ends
from ewc_lambda.inference.mean_curve import Curves, fitted_curves, lambda_to_use
from ewc_lambda.inference.student import Floats
from ewc_lambda.search.by_config import decide_round, round_grid
from ewc_lambda.search.looks import STOPPED, look
from ewc_lambda.search.rounds import Bracket

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
FEW = 250
FINE = np.linspace(-1.0, 8.0, 1801)


@dataclass(frozen=True)
class Setup:
    """One row: how a trial's measures (R,) at x = log10(lambda) are drawn, and what is true."""

    labels: tuple[str, str, str]
    draw: Callable[[np.random.Generator, int], Callable[[float], Floats]]
    best: float
    target: float
    replicates: int
    shares: bool
    config: Mapping[str, Any] = field(default_factory=dict)


def made_up(
    name: str, label: str, bases: str, target: float, replicates: int, shares: bool = True
) -> Setup:
    """Of a curve of simulated_trials.py, moved by as much as base models differ."""
    noise, curve = NOISES[label], CURVES[name]

    def draw(rng: np.random.Generator, n: int) -> Callable[[float], Floats]:
        shift = BASES[bases](rng, 1) + noise.shift * rng.standard_normal(n)
        tilt = noise.tilt * rng.standard_normal(n)
        offset = 0.1 * rng.standard_normal(n)

        def measure(x: float) -> Floats:
            rough = 1 + noise.rough * rng.standard_normal(n)
            return np.asarray(curve(x - shift) * rough + tilt * (x - 5.0) + offset)

        return measure

    curves = Population(name, noise, BASES[bases]).curves
    best = float(X[(np.log(curves) if shares else curves).mean(axis=0).argmin()])
    return Setup((name, label, bases), draw, best, target, replicates, shares)


def resampled(
    label: str, path: str, target: float, replicates: int, shares: bool, **config: Any
) -> Setup:
    """Of the base models of a committed study, in its ranges."""
    models = base_models(f"results/reference/{path}/study.h5")
    curves = np.array([model.expected(FINE) for model in models])
    mean = (np.log(curves) if shares else curves).mean(axis=0)

    def draw(rng: np.random.Generator, n: int) -> Callable[[float], Floats]:
        return models[rng.integers(len(models))].measures(rng, n)

    labels = (label, "its own", "its own")
    best = float(FINE[mean.argmin()])
    return Setup(labels, draw, best, target, replicates, shares, config)


class SimulatedTrial:
    """A trial whose measures are drawn instead of trained: lambdas, measures, ends of round 0."""

    def __init__(self, measure: Callable[[float], Floats]) -> None:
        self._draw = measure
        self._known: dict[float, Floats] = {}
        self.decisions: list[dict[str, Any]] = []

    @property
    def trainings(self) -> int:
        return sum(len(measures) for measures in self._known.values())

    def _measure(self, value: float) -> Floats:
        if value not in self._known:
            self._known[value] = self._draw(float(np.log10(value)))
        return self._known[value]

    def search(
        self, config: dict[str, Any], trial: int, start: tuple[Bracket, list[float]]
    ) -> None:
        while not self.decisions or self.decisions[-1]["stop"] is None:
            before = self.decisions[-1] if self.decisions else None
            bracket, lambdas = round_grid(config, trial, before) if before else start
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

    @cached_property
    def end(self) -> str:
        return st.best_lambda(self.lambdas, self.measures, "log", self.first_ends).end

    @property
    def first_ends(self) -> tuple[float, float]:
        lambdas = self.decisions[0]["lambdas"]
        return lambdas[0], lambdas[-1]


def curves_of(trials: list[SimulatedTrial], shares: bool) -> Curves:
    return fitted_curves(
        [t.lambdas for t in trials],
        [t.measures for t in trials],
        [t.first_ends for t in trials],
        shares=shares,
    )


def one_study(rng: np.random.Generator, setup: Setup) -> tuple[float, ...]:
    config = {**CONFIG, **setup.config, "seed": int(rng.integers(2**31))}
    trials: list[SimulatedTrial] = []
    count: int | None = 5
    while count is not None:
        for number in range(len(trials), count):
            trial = SimulatedTrial(setup.draw(rng, setup.replicates))
            if number <= config["first_trials"]:
                # Later trials have one grid.
                start = round_grid(config, number, None, [t.decisions for t in trials])
            trial.search(config, number, start)
            trials.append(trial)
        curves, reason = curves_of(trials, setup.shares), at_ends([t.end for t in trials])
        use = lambda_to_use(curves, STOPPED)
        width = np.log10(use.high / use.low)
        if use.open_low or use.open_high or np.isnan(width):
            width = np.inf
        width = np.nan if reason else width
        count = look({"": width}, setup.target, len(trials), MOST).next_trials
    alone = lambda_to_use(curves)
    said = not reason and np.isfinite(use.low)
    trainings = sum(t.trainings for t in trials)
    return (
        said,
        held(use, setup.best) if said else np.nan,
        held(alone, setup.best) if said else np.nan,
        width <= setup.target,
        width if np.isfinite(width) else np.nan,
        len(trials),
        trainings,
        width <= setup.target and trainings <= FEW,
    )


def setups() -> Iterator[Callable[[], Setup]]:
    """How to make each row's set-up."""
    for target in (0.3, 0.6, 1.0):
        for base in BASES:
            yield partial(made_up, "plateaus", "medium", base, target, 2)
    yield partial(made_up, "parabola", "medium", "normal", 0.3, 2)
    yield partial(made_up, "cliff", "medium", "normal", 0.6, 2)
    yield partial(made_up, "plateaus", "large", "normal", 0.6, 3)
    yield partial(made_up, "plateaus", "small", "normal", 0.3, 1)
    ranges: dict[str, Any] = {"low_range": [1, 10], "high_range": [1e5, 1e6]}
    few = ranges | {"later_steps": 5}
    for target, replicates in ((0.3, 1), (0.3, 2), (0.4, 1), (0.6, 1)):
        yield partial(resampled, "default", "forty_default", target, replicates, True, **few)
    for target, shares in ((0.3, True), (0.4, True), (0.4, False), (0.6, True)):
        yield partial(resampled, "narrow", "forty_digits", target, 2, shares, **ranges)
    yield partial(resampled, "narrow", "forty_digits", 0.4, 1, True, **ranges)
    ranges = {"low_range": [0.1, 1], "high_range": [1e6, 1e7]}
    yield partial(resampled, "mnist", "findings_mnist", 1.0, 2, True, **ranges)


def row(number: int, studies: int) -> tuple[str, float]:
    """A line of the table, and its CPU seconds."""
    begin = time.process_time()
    setup = list(setups())[number]()
    rng = np.random.default_rng(20261127)
    found = np.array([one_study(rng, setup) for _ in range(studies)])
    said, covers, alone, reached, _, trials, trainings, few = np.nanmean(found, axis=0)
    name, noise, bases = setup.labels
    mean = "geometric" if setup.shares else "arithmetic"
    line = (
        f"{name:9} {noise:7} {bases:8} {mean:10} {setup.replicates:2d} {setup.target:5.1f} "
        f"{100 * said:6.1f} {100 * covers:8.1f} {100 * alone:6.1f} {100 * reached:7.1f} "
        f"{np.nanmedian(found[:, 4]):5.2f} {trials:6.1f} {trainings:9.0f} {100 * few:5.0f}"
    )
    return line, time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies per row")
    arguments = parser.parse_args()
    print("A study that stops by the width of its interval of the lambda to use. Share of studies")
    print("with an interval, and of those: coverage in % of the interval that is looked at and")
    print("reported (nominal 98%), and of one at 95%; share that reached the width within 60")
    print("trials; median width, in decades; mean number of trials and of trainings, and share of")
    print(f"studies that reached the width in {FEW} trainings")
    print(
        f"{'curve':9} {'noise':7} {'bases':8} {'mean':10} {'R':>2} {'width':>5} {'said':>6} "
        f"{'reported':>8} {'95%':>6} {'reached':>7} {'wide':>5} {'trials':>6} "
        f"{'trainings':>9} {'few':>5}"
    )
    with ProcessPoolExecutor() as pool:
        rows = pool.map(row, range(len(list(setups()))), itertools.repeat(arguments.studies))
        seconds = 0.0
        for line, took in rows:
            print(line, flush=True)
            seconds += took
    print(f"\n{arguments.studies} studies per row, {seconds:.0f} s CPU")


if __name__ == "__main__":
    main()
