"""What the intervals of a study that stops by their width hold, and what it costs, measured on
simulated studies.

    python benchmarks/stopping.py                     every row
    python benchmarks/stopping.py --studies 200       quickly
    python benchmarks/stopping.py gain                one of its tables

The second table is of studies that stop by the width of the interval of their gain (target_gain).

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
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from new_network import BASES, Population, X, held
from shared.simulated_studies import (
    CONFIG,
    MOST,
    Drawn,
    Setup,
    SimulatedTrial,
    curves_of,
    more,
    resampled,
    stopped,
)
from shared.simulated_trials import CURVES, NOISES

from ewc_lambda.inference.across_trials import at_ends, study_gain
from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.inference.mean_curve import lambda_to_use
from ewc_lambda.inference.student import Floats
from ewc_lambda.search.looks import LEVEL, STOPPED, look

FEW = 250
FIXED = 20


def made_up(
    name: str, label: str, bases: str, target: float, replicates: int, shares: bool = True
) -> Setup:
    """Of a curve of simulated_trials.py, moved by as much as base models differ."""
    noise, curve = NOISES[label], CURVES[name]

    def draw(rng: np.random.Generator, n: int) -> Drawn:
        shift = BASES[bases](rng, 1) + noise.shift * rng.standard_normal(n)
        tilt = noise.tilt * rng.standard_normal(n)
        offset = 0.1 * rng.standard_normal(n)

        def measure(x: float) -> Floats:
            rough = 1 + noise.rough * rng.standard_normal(n)
            return np.asarray(curve(x - shift) * rough + tilt * (x - 5.0) + offset)

        return measure, np.full(n, np.nan)

    curves = Population(name, noise, BASES[bases]).curves
    best = float(X[(np.log(curves) if shares else curves).mean(axis=0).argmin()])
    return Setup((name, label, bases), draw, best, target, replicates, shares)


def one_study(rng: np.random.Generator, setup: Setup) -> tuple[float, ...]:
    trials, use, width, curves = stopped(rng, setup)
    alone = lambda_to_use(curves)
    said = not np.isnan(width) and np.isfinite(use.low)
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


def one_gain(rng: np.random.Generator, setup: Setup) -> tuple[float, ...]:
    """A study that stops by the width of its interval of the gain."""
    config = {**CONFIG, **setup.config, "seed": int(rng.integers(2**31))}
    trials: list[SimulatedTrial] = []
    count: int | None = setup.first_look
    while count is not None:
        more(trials, count, rng, setup, config)
        found = gain_of(trials, STOPPED)
        width = found.high - found.low
        count = look({}, None, len(trials), MOST, {"": width}, setup.target).next_trials
    count, alone = len(trials), gain_of(trials, LEVEL)
    use, reason = lambda_to_use(curves_of(trials, setup.shares)), at_ends([t.end for t in trials])
    trainings = sum(t.trainings for t in trials)
    more(trials, FIXED, rng, setup, config)
    return (
        held_gain(found, setup.gain),
        held_gain(alone, setup.gain),
        held_gain(gain_of(trials[:FIXED], LEVEL), setup.gain),
        np.nan if reason or not np.isfinite(use.low) else held(use, setup.best),
        width <= setup.target,
        width,
        found.estimate - setup.gain,
        count,
        trainings,
    )


def gain_of(trials: list[SimulatedTrial], level: float) -> Interval:
    return study_gain(
        [np.array(t.first_lambdas) for t in trials],
        [t.first_measures for t in trials],
        [t.measures for t in trials],
        [t.zero for t in trials],
        level=level,
    )


def held_gain(found: Interval, gain: float) -> bool:
    return found.low <= gain <= found.high


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
    # A later first look.
    for target in (0.4, 0.6):
        yield lambda target=target: replace(
            resampled("narrow", "forty_digits", target, 2, True, **ranges), first_look=10
        )
    ranges = {"low_range": [0.1, 1], "high_range": [1e6, 1e7]}
    yield partial(resampled, "mnist", "findings_mnist", 1.0, 2, True, **ranges)


def gain_setups() -> Iterator[Callable[[], Setup]]:
    three = {"low_range": [1, 10], "high_range": [1e5, 1e6]}
    mnist = {"low_range": [0.1, 1], "high_range": [1e6, 1e7]}
    for target in (8.0, 12.0):
        yield partial(resampled, "three", "three_tasks", target, 2, True, **three)
    for target in (5.0, 8.0):
        yield partial(resampled, "mnist", "findings_mnist", target, 2, True, **mnist)
    yield partial(resampled, "mnist", "findings_mnist", 5.0, 1, True, **mnist)
    # A later first look.
    for first in (10, 20):
        yield lambda first=first: replace(
            resampled("three", "three_tasks", 12.0, 2, True, **three), first_look=first
        )
        yield lambda first=first: replace(
            resampled("mnist", "findings_mnist", 8.0, 2, True, **mnist), first_look=first
        )


def gain_row(number: int, studies: int) -> tuple[str, float]:
    """A line of the table of the gain, and its CPU seconds."""
    begin = time.process_time()
    setup = list(gain_setups())[number]()
    rng = np.random.default_rng(20261128)
    found = np.array([one_gain(rng, setup) for _ in range(studies)])
    covers, alone, fixed, use, reached, _, off, trials, trainings = np.nanmean(found, axis=0)
    line = (
        f"{setup.labels[0]:9} {setup.replicates:2d} {setup.gain:5.1f} {setup.target:6.1f} "
        f"{setup.first_look:5d} {100 * covers:8.1f} {100 * alone:6.1f} {100 * fixed:6.1f} "
        f"{off:6.2f} {100 * use:7.1f} {100 * reached:7.1f} {np.nanmedian(found[:, 5]):6.2f} "
        f"{trials:6.1f} {trainings:9.0f}"
    )
    return line, time.process_time() - begin


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
        f"{setup.first_look:5d} {100 * said:6.1f} {100 * covers:8.1f} {100 * alone:6.1f} "
        f"{100 * reached:7.1f} {np.nanmedian(found[:, 4]):5.2f} {trials:6.1f} {trainings:9.0f} "
        f"{100 * few:5.0f}"
    )
    return line, time.process_time() - begin


WIDTH_HEAD = f"""\
A study that stops by the width of its interval of the lambda to use: trials at the first
look, share of studies with an interval, and of those: coverage in % of the interval that
is looked at and reported (nominal 98%), and of one at 95%; share that reached the width
within 60 trials; median width, in decades; mean number of trials and of trainings, and
share of studies that reached the width in {FEW} trainings
{"curve":9} {"noise":7} {"bases":8} {"mean":10} {"R":>2} {"width":>5} {"first":>5} {"said":>6} \
{"reported":>8} {"95%":>6} {"reached":>7} {"wide":>5} {"trials":>6} {"trainings":>9} {"few":>5}"""
GAIN_HEAD = f"""\
A study that stops by the width of its interval of the gain over lambda = 0: the mean gain
of the base models at their own best lambdas, and the width asked for, in loss x epochs;
trials at the first look; coverage in % of the interval that is looked at and reported
(nominal 98%), of one at 95%, and of one at 95% of {FIXED} trials, whatever the width; by how
much the estimate at the stop is off in the mean; coverage of the lambda to use, at 95%;
share that reached the width within 60 trials; median width; mean number of trials and of
trainings
{"curve":9} {"R":>2} {"gain":>5} {"width":>6} {"first":>5} {"reported":>8} {"95%":>6} {"fixed":>6} \
{"off":>6} {"lambda":>7} {"reached":>7} {"wide":>6} {"trials":>6} {"trainings":>9}"""
TABLES = {"lambda": (WIDTH_HEAD, row, setups), "gain": (GAIN_HEAD, gain_row, gain_setups)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies per row")
    parser.add_argument("--processes", type=int, help="at most so many at once")
    parser.add_argument("tables", nargs="*", default=[*TABLES], help=", ".join(TABLES))
    arguments = parser.parse_args()
    seconds = 0.0
    with ProcessPoolExecutor(arguments.processes) as pool:
        for name, (heading, rows, made) in TABLES.items():
            if name not in arguments.tables:
                continue
            print(heading)
            each = range(len(list(made())))
            for line, took in pool.map(rows, each, itertools.repeat(arguments.studies)):
                print(line, flush=True)
                seconds += took
            print()
    print(f"{arguments.studies} studies per row, {seconds:.0f} s CPU")


if __name__ == "__main__":
    main()
