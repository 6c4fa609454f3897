"""What an answer of a given certainty costs: fixed designs, racing, and adding trials until the
interval is narrow, in trainings and in CPU seconds.

    python benchmarks/statistical_cost.py --data-folder FOLDER       digits, three tasks, MNIST
    python benchmarks/statistical_cost.py digits --studies 100       one of them, quickly

Studies are simulated whole, from the base models and the noise of committed ones
(shared/resampled_trials.py): brackets drawn and narrowed round by round, races, looks and stopping
by the functions of the workflow. Every design answers the same question, the lambda at which the
geometric mean over base models is lowest, by the same statistics.

A fixed design makes so many trials, all of them in full. Its trials are drawn once, and studies of
them without replacement; how many it takes for an interval as wide as the rule's is looked for. The
original's protocol is one more: 20 lambdas a round, each a run of both tasks with random numbers of
its own (here with our Fisher information, on a log scale; the few lambdas that a round meets again
keep their measure). A race is one with replicates to drop: with fewer than 4 there is none.

CPU seconds are of training, on one thread, without start-up, scout and reference lines: programs of
several sizes are measured here, and those that a simulated trial trains one after another lie
between. Prints a table and writes nothing; README.md holds what it printed.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from new_network import held
from shared.simulated_studies import (
    CONFIG,
    Drawn,
    Setup,
    SimulatedTrial,
    curves_of,
    resampled,
    stopped,
)
from shared.training_costs import Costs, Seconds

from ewc_lambda.inference.across_trials import at_ends
from ewc_lambda.inference.mean_curve import lambda_to_use
from ewc_lambda.inference.replicates import comparable_means, complete
from ewc_lambda.inference.student import Floats
from ewc_lambda.search.by_config import round_grid
from ewc_lambda.search.racing import doubts, race

POOL = 600
MOST_TRIALS = 100
ORIGINAL = 20


class Design(NamedTuple):
    """A fixed number of trials in full, each by a ``kind`` of trial."""

    name: str
    trials: int
    replicates: int
    kind: type[SimulatedTrial]
    changes: dict[str, Any]


class Raced(SimulatedTrial):
    """A trial whose rounds are raced."""

    def __init__(self, drawn: Drawn) -> None:
        super().__init__(drawn)
        self._whole: dict[float, Floats] = {}

    def _round(self, lambdas: list[float]) -> list[float]:
        for value in lambdas:
            if value not in self._whole:
                self._whole[value] = self._draw(float(np.log10(value)))
        values = [self._whole[value] for value in lambdas]

        def train(running: Any, part: slice) -> dict[int, Floats]:
            found = {step: values[step][part] for step in running}
            self.programs.append(sum(map(len, found.values())))
            return found

        met = {
            step: self._known[value][np.isfinite(self._known[value])]
            for step, value in enumerate(lambdas)
            if value in self._known
        }
        count = len(values[0])
        raced = race(
            dict(enumerate(doubts(len(lambdas), first_round=not self.decisions))), count, met, train
        )
        for step, value in enumerate(lambdas):
            self._known[value] = np.full(count, np.nan)
            self._known[value][: len(raced[step])] = raced[step]
        table = np.stack([self._known[value] for value in lambdas], axis=1)
        return np.where(complete(table), comparable_means(table), np.inf).tolist()


class OfTheOriginal(SimulatedTrial):
    """A trial of the original's protocol: every step is a run by itself."""

    def _round(self, lambdas: list[float]) -> list[float]:
        found = super()._round(lambdas)
        self.programs.pop()
        self.programs += [1] * len(lambdas)
        return found


@dataclass(frozen=True)
class Problem:
    """What studies are drawn from and of what size they are: the study whose base models they have,
    that whose config is timed, what the rule asks for, and fixed designs.
    """

    models: str
    timed: str
    target: float
    ranges: dict[str, Any]
    rule: dict[str, Any]
    designs: tuple[Design, ...]
    members: tuple[int, ...]
    firsts: tuple[int, ...]
    rules: tuple[int, ...] = field(default=(2, 1))


ALL = {"first_trials": None}
DENSE = (1, 2, 6, 12, 18, 30, 60, 90)
DIGITS = {"low_range": [1, 10], "high_range": [1e5, 1e6]}
MNIST = {"low_range": [0.1, 1], "high_range": [1e6, 1e7], "steps": 7}


def designs(
    trials: int, replicates: tuple[int, ...], changes: dict[str, Any], original: dict[str, Any]
) -> tuple[Design, ...]:
    """Fixed designs of several replicates, raced where there are some to drop, and the original's
    protocol.
    """
    kinds = (("fixed", SimulatedTrial), ("raced", Raced))
    ours = [
        Design(name, trials, count, kind, changes)
        for count in replicates
        for name, kind in kinds[: 1 + (count > 2)]
    ]
    steps = {**original, "steps": ORIGINAL}
    return (*ours, Design("original's", trials, 1, OfTheOriginal, steps))


FOUR = {"max_rounds": 4}
PROBLEMS = {
    "digits": Problem(
        "forty_digits",
        "fixed_digits",
        0.4,
        DIGITS,
        FOUR,
        designs(5, (10, 4, 2), FOUR, FOUR),
        DENSE,
        (1, 2, 4, 10),
    ),
    "three tasks": Problem(
        "three_tasks",
        "three_tasks",
        0.7,
        DIGITS,
        FOUR,
        designs(6, (8, 2), FOUR, FOUR),
        DENSE,
        (1, 2, 8),
    ),
    "MNIST": Problem(
        "findings_mnist",
        "findings_mnist",
        1.0,
        MNIST,
        {"termination_threshold": 2.5},
        designs(9, (8, 2), {"termination_threshold": 1.0}, {}),
        (1, 2),
        (1, 2),
    ),
}


def seconds_of(trial: SimulatedTrial, replicates: int, first: Seconds, steps: Seconds) -> float:
    """CPU seconds of a trial. In the original's protocol each run trains the first task, too."""
    if isinstance(trial, OfTheOriginal):
        return trial.trainings * (first(1) + steps(1))
    return first(replicates) + sum(steps(count) for count in trial.programs if count)


class Said(NamedTuple):
    """What studies of a design said: medians, and the share of intervals that hold the truth."""

    trials: float
    trainings: float
    seconds: float
    width: float
    covers: float

    def cells(self) -> str:
        return (
            f"{self.trials:7.0f}{self.trainings:10.0f}{self.seconds:9.1f}"
            f"{self.width:8.2f}{100 * self.covers:7.1f}"
        )


class Pool:
    """Trials of a fixed design."""

    def __init__(self, setup: Setup, design: Design, first: Seconds, steps: Seconds) -> None:
        rng = np.random.default_rng(20261129)
        self._setup, self._trials = setup, []
        config = {**CONFIG, **setup.config, **ALL, **design.changes}
        for number in range(POOL):
            config["seed"] = int(rng.integers(2**31))
            trial = design.kind(setup.draw(rng, design.replicates))
            trial.search(config, number, round_grid(config, number, None, []))
            self._trials.append(trial)
        self._seconds = [seconds_of(t, design.replicates, first, steps) for t in self._trials]

    def studies(self, trials: int, studies: int) -> Said:
        """Studies of so many trials."""
        rng = np.random.default_rng(20261130)
        found = []
        for _ in range(studies):
            chosen = rng.choice(POOL, trials, replace=False)
            made = [self._trials[place] for place in chosen]
            width, covers = np.inf, np.nan
            if not at_ends([trial.end for trial in made]):
                use = lambda_to_use(curves_of(made, self._setup.shares))
                if np.isfinite(use.low):
                    covers = held(use, self._setup.best)
                    wide = np.log10(use.high / use.low)
                    width = np.inf if use.open_low or use.open_high else wide
            trained = sum(trial.trainings for trial in made)
            found.append((trials, trained, sum(self._seconds[p] for p in chosen), width, covers))
        return said(found)

    def as_narrow_as(self, width: float, start: int, studies: int) -> Said:
        """Studies of the fewest trials, to a twentieth, that leave an interval at most so wide."""
        known: dict[int, Said] = {}

        def narrow(trials: int) -> bool:
            known[trials] = known.get(trials) or self.studies(trials, studies)
            return known[trials].width <= width

        trials = start
        for _ in range(3):
            # The width goes with the root of the number; from open intervals on to twice as many.
            narrow(trials)
            ratio = min(known[trials].width / width, 1.4)
            trials = int(np.clip(round(trials * ratio**2), 3, MOST_TRIALS))
        while not narrow(trials) and trials < MOST_TRIALS:
            trials = min(MOST_TRIALS, trials + max(1, trials // 20))
        while trials > 3 and narrow(trials - max(1, trials // 20)):
            trials -= max(1, trials // 20)
        return known[trials]


def said(found: list[tuple[float, ...]]) -> Said:
    table = np.array(found)
    return Said(*np.median(table[:, :4], axis=0), float(np.nanmean(table[:, 4])))


def by_rule(setup: Setup, replicates: int, first: Seconds, steps: Seconds, studies: int) -> Said:
    """Studies that add trials until the interval is as narrow as asked."""
    rng = np.random.default_rng(20261128)
    found = []
    for _ in range(studies):
        trials, use, width, _ = stopped(rng, setup)
        there = not np.isnan(width) and np.isfinite(use.low)
        found.append(
            (
                len(trials),
                sum(trial.trainings for trial in trials),
                sum(seconds_of(trial, replicates, first, steps) for trial in trials),
                width if there else np.inf,
                held(use, setup.best) if there else np.nan,
            )
        )
    return said(found)


def lines_of(name: str, studies: int, turns: int, data_folder: str | None) -> tuple[str, float]:
    """The table of a problem, and its CPU seconds."""
    begin = time.process_time()
    problem = PROBLEMS[name]
    first, steps = Costs(problem.timed, data_folder, turns).measured(
        problem.firsts, problem.members
    )
    setup = partial(resampled, name, problem.models, problem.target)
    lines = [
        f"{name}: base models of {problem.models}; {problem.target:g} decades asked for",
        "CPU s, first task of "
        + ", ".join(f"{n}: {first(n):.2f}" for n in problem.firsts)
        + "; members together, "
        + ", ".join(f"{n}: {steps(n):.2f}" for n in problem.members),
    ]
    rules = []
    for replicates in problem.rules:
        of = setup(replicates, True, **problem.ranges, **problem.rule)
        rules.append(by_rule(of, replicates, first, steps, studies))
        lines.append(f"{'rule':11}{replicates:3d}{rules[-1].cells()}")
    wide = rules[0].width
    for design in problem.designs:
        pool = Pool(setup(design.replicates, True, **problem.ranges), design, first, steps)
        as_designed = pool.studies(design.trials, studies)
        alike = pool.as_narrow_as(wide, design.trials, studies)
        lines.append(
            f"{design.name:11}{design.replicates:3d}{as_designed.cells()}  |{alike.cells()}"
        )
    return "\n".join(lines), time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*", default=[*PROBLEMS], help=", ".join(PROBLEMS))
    parser.add_argument("--studies", type=int, default=200, help="simulated studies a design")
    parser.add_argument(
        "--turns", type=int, default=3, help="measurements of each cost that is short"
    )
    parser.add_argument("--processes", type=int, default=1, help="at most so many at once")
    parser.add_argument("--data-folder", help="folder of MNIST")
    arguments = parser.parse_args()
    print(
        "Designs of R replicates: medians of trials, of trainings at a lambda, of CPU s and of the"
    )
    print("interval's width in decades, and how many intervals hold the truth, in %; right of the")
    print("line with as many trials as leave an interval as wide as the rule's with 2 replicates")
    print(
        f"{'design':11}{'R':>3}" + f"{'trials':>7}{'trainings':>10}{'CPU s':>9}{'width':>8}"
        f"{'holds':>7}  |{'trials':>7}{'trainings':>10}{'CPU s':>9}{'width':>8}{'holds':>7}"
    )
    job = partial(
        lines_of,
        studies=arguments.studies,
        turns=arguments.turns,
        data_folder=arguments.data_folder,
    )
    seconds = 0.0
    with ProcessPoolExecutor(arguments.processes) as pool:
        for lines, took in pool.map(job, arguments.problems):
            print(f"\n{lines}", flush=True)
            seconds += took
    print(f"\n{arguments.studies} studies a design, {seconds:.0f} s CPU")


if __name__ == "__main__":
    main()
