"""Core-seconds to a resolved minimum: our protocol against the original's.

    python benchmarks/statistical_cost.py

The goal of both: over base models, the minimum is resolved and the 95% interval of the best lambda
is less than a decade wide. The original's protocol: every trial has one run per lambda with random
numbers of its own, 20 lambdas a round, both tasks trained in each run, members one by one. Ours: 9
lambdas a round, common random numbers, the first task trained once, all members of a round in one
program, a lambda that is met again not trained again. Network, data, importance (exact Fisher), log
grid, narrowing and the final statistics are the same for both: those of the noise studies in
results/reference.

How many trials each needs is extrapolated: trials are simulated from the measures of the noise
studies, which have both protocols' noise at 12 lambdas of three base models (8 replicates each),
and moved by as much as the best lambdas of the five base models of results/reference/fixed_digits
differ. What a trial costs is measured here, in CPU seconds of training on one thread, without
start-up.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from shared.published import as_prepared

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.inference.across_trials import study_best_lambda, study_resolved
from ewc_lambda.inference.best_lambda import best_lambda
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
from ewc_lambda.reporting.answers import answer_importance
from ewc_lambda.results.searches import searches
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.rounds import decide, grid
from ewc_lambda.seeding import Stream, trial_generator

REFERENCE = Path(__file__).resolve().parents[1] / "results/reference"
OURS, ORIGINAL = 9, 20
SUCCESS = 0.8
DECADES = 1.0


@dataclass(frozen=True)
class Noise:
    """Measures of one base model: log10 lambda (S,), replicates of both protocols (R, S)."""

    x: Floats
    common: Floats
    independent: Floats


@dataclass(frozen=True)
class Trial:
    """First grid (S,) and its measures (R, S); the trial's best lambda; steps trained a round."""

    lambdas: list[float]
    first: Floats
    estimate: float
    trained: list[int]


def measured() -> tuple[list[Noise], float]:
    """The noise of both protocols, and the spread of the best lambda over base models, in
    decades.
    """
    common, independent = (
        searches(Study.read(REFERENCE / f"noise_digits_{mode}" / "study.h5"), "fisher")
        for mode in ("common", "independent")
    )
    noises = [
        Noise(np.log10(one.lambdas), one.measures, other.measures)
        for one, other in zip(common, independent, strict=True)
    ]
    digits = answer_importance(Study.read(REFERENCE / "fixed_digits" / "study.h5"), "fisher")
    best = [np.log10(trial.best.estimate) for trial in digits.trials]
    return noises, statistics.stdev(best)


def draw(
    rng: np.random.Generator, noise: Noise, shift: float, lambdas: list[float], rows: list[int]
) -> Floats:
    """Measures (R, S) at some lambdas: of whole replicates with common random numbers, or, where
    ``rows`` is empty, one run with a draw of its own at each lambda.
    """
    x = np.log10(lambdas) - shift
    if rows:
        return np.array([np.interp(x, noise.x, noise.common[row]) for row in rows])
    mean = np.interp(x, noise.x, noise.independent.mean(axis=0))
    spread = np.interp(x, noise.x, noise.independent.std(axis=0, ddof=1))
    return (mean + spread * rng.standard_normal(len(x)))[None]


def search(
    rng: np.random.Generator, noise: Noise, spread: float, steps: int, replicates: int
) -> Trial:
    """A simulated trial: common random numbers with so many replicates, or, with 0, the original's
    protocol.
    """
    shift = spread * rng.standard_normal()
    rows = [int(row) for row in rng.choice(len(noise.common), replicates, replace=False)]
    bracket = (10.0 ** rng.uniform(0, 1), 10.0 ** rng.uniform(5, 6))
    known: dict[float, Floats] = {}
    at: list[float] = []
    values: list[Floats] = []
    trained: list[int] = []
    first: tuple[list[float], Floats] | None = None
    for round_ in range(4):
        lambdas = grid(bracket, steps, "log", list(known))
        drawn = draw(rng, noise, shift, lambdas, rows)
        trained.append(sum(value not in known for value in lambdas) if rows else steps)
        known |= {} if not rows else dict.fromkeys(lambdas, drawn)
        first = first or (lambdas, drawn)
        at += lambdas
        values.append(drawn)
        decision = decide(
            lambdas,
            drawn.mean(axis=0).tolist(),
            spacing="log",
            threshold=0.5,
            round_=round_,
            max_rounds=4,
            expand_at_edge=False,
        )
        if decision.bracket is None:
            break
        bracket = decision.bracket
    assert first is not None
    ends = (first[0][0], first[0][-1])
    found = best_lambda(at, np.concatenate(values, axis=1), "log", ends)
    return Trial(*first, found.estimate, trained)


def there(trials: list[Trial]) -> bool:
    """Whether a study of these trials has reached the goal."""
    found = study_best_lambda([trial.estimate for trial in trials])
    said = study_resolved([t.lambdas for t in trials], [t.first for t in trials])
    return bool(said.resolved and np.log10(found.high / found.low) < DECADES)


def trials_needed(
    noises: list[Noise], spread: float, steps: int, replicates: int, studies: int
) -> tuple[int, float, list[float]]:
    """Trials after which four studies in five are there, the share that is, and the steps trained
    in each round of a trial, on average.
    """
    for count in range(2, 41):
        rng = np.random.default_rng(20250110)
        made = [
            [
                search(rng, noises[rng.integers(len(noises))], spread, steps, replicates)
                for _ in range(count)
            ]
            for _ in range(studies)
        ]
        share = float(np.mean([there(trials) for trials in made]))
        if share >= SUCCESS:
            rounds = [trial.trained for trials in made for trial in trials]
            longest = max(map(len, rounds))
            mean = [
                float(np.mean([r[i] if i < len(r) else 0 for r in rounds])) for i in range(longest)
            ]
            return count, share, mean
    raise SystemExit("not there after 40 trials")


class Costs:
    """CPU seconds of training on the digits of the noise studies, one thread."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        recorded = Study.read(REFERENCE / "noise_digits_common" / "study.h5").config
        known = resolve({})
        config = resolve({key: value for key, value in recorded.items() if key in known})
        open_device(config)  # deterministic, as in a job
        self.problem = build_problem(config, as_prepared(build_scenario(config)))
        draw_weights(self.problem.network, trial_generator(1, 0, "weights"))
        self.base = flat_state(self.problem.network, self.problem.layout)

    def original_step(self) -> float:
        """One run of the original's protocol: both tasks and the importance, one member."""
        start = time.process_time()
        streams = [Stream(1, 0, 0, (1, 0, 0))]
        state = base_state(self.problem, *self.base, 1)
        run_sequence(self.problem, state, streams, torch.tensor([100.0]), "fisher")
        return time.process_time() - start

    def first_task(self, replicates: int) -> float:
        """The first task and the importance of so many replicates, which start all steps."""
        start = time.process_time()
        streams = [Stream(1, 0, r) for r in range(replicates)]
        base = base_state(self.problem, *self.base, replicates)
        state, omegas = train_first_task(self.problem, base, streams, ["fisher"])
        self.state = with_importance(self.problem, state, omegas["fisher"])
        return time.process_time() - start

    def round(self, steps: int, replicates: int) -> float:
        """A round of so many new lambdas in one program."""
        start = time.process_time()
        lambdas = torch.logspace(0, 6, steps).repeat_interleave(replicates)
        streams = [Stream(1, 0, r) for r in range(replicates)] * steps
        state = concatenated([self.state] * steps)
        run_sequence(self.problem, state, streams, lambdas, "fisher")
        return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=400, help="simulated studies")
    parser.add_argument("--turns", type=int, default=3, help="measurements of each cost")
    arguments = parser.parse_args()
    noises, spread = measured()
    costs = Costs()
    print(f"best lambda over base models: standard deviation {spread:.2f} decades")
    count, share, rounds = trials_needed(noises, spread, ORIGINAL, 0, arguments.studies)
    step = statistics.median(costs.original_step() for _ in range(arguments.turns))
    theirs = count * sum(rounds) * step
    print(
        f"original: {count} trials ({100 * share:.0f}% of studies there) of {sum(rounds):.1f} "
        f"steps, {step:.2f} s a step: {theirs:.0f} core-seconds"
    )
    for replicates in (2, 3, 5, 8):
        count, share, rounds = trials_needed(noises, spread, OURS, replicates, arguments.studies)
        seconds = []
        for _ in range(arguments.turns):
            trial = costs.first_task(replicates)
            trial += sum(costs.round(max(1, round(n)), replicates) for n in rounds if n >= 0.5)
            seconds.append(trial)
        ours = count * statistics.median(seconds)
        print(
            f"ours: {replicates} replicates, {count} trials ({100 * share:.0f}% there) of "
            f"{sum(rounds):.1f} steps in {len(rounds)} rounds, "
            f"{statistics.median(seconds):.2f} s a trial: {ours:.1f} core-seconds, "
            f"{theirs / ours:.0f} times fewer",
            flush=True,
        )


if __name__ == "__main__":
    main()
