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
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from new_network import held
from shared.published import as_prepared
from stopping import CONFIG, Drawn, Setup, SimulatedTrial, curves_of, resampled, stopped

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.inference.across_trials import at_ends
from ewc_lambda.inference.mean_curve import lambda_to_use
from ewc_lambda.inference.replicates import comparable_means, complete
from ewc_lambda.inference.student import Floats
from ewc_lambda.learning.device import open_device
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.learning.sequence import (
    base_state,
    concatenated,
    run_sequence,
    train_first_task,
    with_importance,
)
from ewc_lambda.networks.models import draw_weights, flat_state
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.by_config import round_grid
from ewc_lambda.search.racing import doubts, race
from ewc_lambda.seeding import Stream, trial_generator

REFERENCE = Path(__file__).resolve().parents[1] / "results/reference"
POOL = 600
MOST_TRIALS = 100
LONG = 2.0
"""CPU seconds of a measurement that is not repeated."""
ORIGINAL = 20

Seconds = Callable[[float], float]


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
PROBLEMS = {
    "digits": Problem(
        "forty_digits",
        "digits",
        0.4,
        DIGITS,
        {"max_rounds": 4},
        (
            Design("fixed", 5, 10, SimulatedTrial, {"max_rounds": 4}),
            Design("raced", 5, 10, Raced, {"max_rounds": 4}),
            Design("fixed", 5, 4, SimulatedTrial, {"max_rounds": 4}),
            Design("raced", 5, 4, Raced, {"max_rounds": 4}),
            Design("fixed", 5, 2, SimulatedTrial, {"max_rounds": 4}),
            Design("original's", 5, 1, OfTheOriginal, {"max_rounds": 4, "steps": ORIGINAL}),
        ),
        DENSE,
        (1, 2, 4, 10),
    ),
    "three tasks": Problem(
        "three_tasks",
        "three_tasks",
        0.7,
        DIGITS,
        {"max_rounds": 4},
        (
            Design("fixed", 6, 8, SimulatedTrial, {"max_rounds": 4}),
            Design("raced", 6, 8, Raced, {"max_rounds": 4}),
            Design("fixed", 6, 2, SimulatedTrial, {"max_rounds": 4}),
            Design("original's", 6, 1, OfTheOriginal, {"max_rounds": 4, "steps": ORIGINAL}),
        ),
        DENSE,
        (1, 2, 8),
    ),
    "MNIST": Problem(
        "findings_mnist",
        "findings_mnist",
        1.0,
        MNIST,
        {"termination_threshold": 2.5},
        (
            Design("fixed", 9, 8, SimulatedTrial, {"termination_threshold": 1.0}),
            Design("raced", 9, 8, Raced, {"termination_threshold": 1.0}),
            Design("fixed", 9, 2, SimulatedTrial, {"termination_threshold": 1.0}),
            Design("original's", 9, 1, OfTheOriginal, {"steps": ORIGINAL}),
        ),
        (1, 2),
        (1, 2),
    ),
}


class Costs:
    """CPU seconds of training by the config of a committed study, one thread."""

    def __init__(self, name: str, data_folder: str | None, turns: int) -> None:
        torch.set_num_threads(1)
        recorded = Study.read(REFERENCE / name / "study.h5").config
        known = resolve({})
        config = resolve({key: value for key, value in recorded.items() if key in known})
        config["data_folder"] = data_folder or config["data_folder"]
        open_device(config)  # deterministic, as in a job
        self._problem = build_problem(config, as_prepared(build_scenario(config)))
        draw_weights(self._problem.network, trial_generator(1, 0, "weights"))
        self._base = flat_state(self._problem.network, self._problem.layout)
        self._turns = turns
        self._state: Any = None

    def first_task(self, replicates: int) -> None:
        """The first task and the importance of so many replicates, which start all steps."""
        streams = [Stream(1, 0, r) for r in range(replicates)]
        base = base_state(self._problem, *self._base, replicates)
        state, omegas = train_first_task(self._problem, base, streams, ["fisher"])
        self._state = with_importance(self._problem, state, omegas["fisher"])

    def steps(self, members: int) -> None:
        """So many members that train together, from a first task of one or two replicates."""
        replicates = 1 + (members % 2 == 0)
        lambdas = torch.logspace(0, 6, members // replicates).repeat_interleave(replicates)
        streams = [Stream(1, 0, r) for r in range(replicates)] * (members // replicates)
        state = concatenated([self._state] * (members // replicates))
        run_sequence(self._problem, state, streams, lambdas, "fisher")

    def measured(self, firsts: tuple[int, ...], members: tuple[int, ...]) -> tuple[Seconds, ...]:
        """CPU seconds of a first task, by replicates, and of steps, by members: lines between the
        numbers that are measured, and on beyond them.
        """
        self.first_task(1)  # what is done once, in a first run, is none of the costs
        first = [self._median(partial(self.first_task, count)) for count in firsts]
        steps = []
        for replicates in (1, 2):
            self.first_task(replicates)
            even = [count for count in members if (count % 2 == 0) == (replicates == 2)]
            steps += [(count, self._median(partial(self.steps, count))) for count in even]
        at, seconds = zip(*sorted(steps), strict=True)
        return line_through(firsts, first), line_through(at, list(seconds))

    def _median(self, job: Callable[[], None]) -> float:
        seconds: list[float] = []
        while len(seconds) < self._turns and sum(seconds) < LONG:
            start = time.process_time()
            job()
            seconds.append(time.process_time() - start)
        return statistics.median(seconds)


def line_through(at: tuple[int, ...], seconds: list[float]) -> Seconds:
    slope = (seconds[-1] - seconds[-2]) / (at[-1] - at[-2])

    def found(count: float) -> float:
        beyond = max(0.0, count - at[-1]) * slope
        return float(np.interp(count, at, seconds)) + beyond

    return found


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
