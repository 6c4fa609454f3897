"""Studies whose best lambda is known: linear regression in sequence, trained by the real workflow.

    python benchmarks/known_optimum.py                   coverage and bias, then correlated inputs
    python benchmarks/known_optimum.py --studies 32      quickly
    python benchmarks/known_optimum.py --only correlated

Two tasks are samples of one linear function with noise, and one linear network learns them one
after the other. The weights that are best for both are those of the samples together. To these
leads the penalty whose stiffness is that of the old samples (`bayes_lambda`), where the Fisher
information is diagonal. Each trial draws its own samples from a pool (`drawn_share`), so that a
study's answer over trials covers them. All that a rule of the workflow runs, runs here, in one
process. Prints tables and writes nothing; docs/replications.md holds what it printed.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import logging
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

# A study in one process, as tests run it.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests/makers"))
import in_process

from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.results.files import Files

INPUTS = 4
# Samples of the new task that a trial draws, of a hundred times as many in the pool.
NEW, SHARE = 200, 0.01
RATIOS = (0.5, 1.0, 2.0, 4.0)
NOISES = (0.1, 1.0)
TRIALS = (2, 3, 4, 5)
OUTPUTS = (1, 4)
CORRELATIONS = (0.0, 0.5, 0.8)
# Heavy-ball descent: 0.9^(1/2) an update at the slowest, so that so many leave 3e-5 of the way.
UPDATES, MOMENTUM = 200, 0.9

# Two samples of one linear function, learned one after the other by full-batch descent.
REGRESSION: dict[str, Any] = {
    "tasks": ["all", "all"],
    "heads": "shared",
    "drawn_share": SHARE,
    "validation_fraction": 0.5,
    "validation_samples": 10000,
    "hidden": [],
    "loss": "mean_squared_error",
    "batch_size": 1000000,
    "optimizer": "sgd",
    "replicates": 1,
    "references": [],
    "select_by": "final_loss",
}


@dataclass(frozen=True)
class Case:
    """A study: samples of the old task by those of the new, deviation of the noise, correlation of
    neighbouring inputs, outputs, trials, and the seed of it all.
    """

    ratio: float
    noise: float
    trials: int
    outputs: int = 1
    correlation: float = 0.0
    seed: int = 1

    @property
    def bayes_lambda(self) -> float:
        """The lambda of Bayes' rule for this loss and penalty.

        The posterior of the first task is that of its N_old samples: around its least squares w_1
        the negative log-likelihood rises by N_old / (2 s^2) (w - w_1)' S (w - w_1), S the mean of
        x x'. The new task's is N_new / (2 s^2) times the mean squared residual, summed over D
        outputs. By the latter's factor, with the loss a mean over outputs (1 / D), the sum is
        loss + N_old / (N_new D) (w - w_1)' S (w - w_1): lambda / 2 is N_old / (N_new D).
        """
        return self.ratio / (self.outputs / 2)

    def write(self, path: Path) -> None:
        """The pools of both tasks as an npz file; half of each will be its validation split."""
        rng = np.random.default_rng([self.seed, 20240717])
        weights = rng.standard_normal((INPUTS, self.outputs))
        pools = [round(2 * NEW / SHARE * each) for each in (self.ratio, 1)]
        arrays = {}
        for split, counts in (("train", pools), ("test", [10, 10])):
            x = np.concatenate([self._inputs(rng, count) for count in counts])
            noise = self.noise * rng.standard_normal((len(x), self.outputs))
            arrays[f"x_{split}"] = x.astype(np.float32)
            arrays[f"y_{split}"] = (x @ weights + noise).astype(np.float32)
            arrays[f"task_{split}"] = np.repeat([0, 1], counts)
        np.savez(path, **arrays)

    def _inputs(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Signs, each equal to its neighbour's with probability (1 + correlation) / 2."""
        signs = rng.choice([-1.0, 1.0], (count, INPUTS))
        kept = rng.uniform(size=(count, INPUTS)) < self.correlation
        for column in range(1, INPUTS):
            signs[:, column] = np.where(kept[:, column], signs[:, column - 1], signs[:, column])
        return signs

    def config(self, path: Path) -> dict[str, object]:
        """The study's config. Each trial draws a bracket of about three decades around a middle
        that is off Bayes' value by up to a third of a decade.
        """
        off = np.random.default_rng([self.seed, 1]).uniform(-1 / 3, 1 / 3)
        middle = self.bayes_lambda * 10**off
        stiffest = 2 / self.outputs * (1 + self.ratio * 10**2)
        return {
            "study": "known_optimum",
            "seed": self.seed,
            "trials": self.trials,
            "dataset": "npz",
            "npz_file": str(path),
            **REGRESSION,
            "samples_per_task": None,
            "updates": UPDATES,
            "momentum": MOMENTUM,
            "learning_rate": 3 / (stiffest * (1 + 3 * self.correlation)),
            "importance": ["fisher"],
            "low_range": [middle * 10**-1.7, middle * 10**-1.3],
            "high_range": [middle * 10**1.3, middle * 10**1.7],
            "steps": 7,
            "steps_per_job": "round",
            "max_rounds": 1,
            "first_trials": None,
            "save_weights": False,
        }


def run(case: Case, folder: Path) -> Files:
    """The files of a study that was run."""
    path = folder / "pools.npz"
    case.write(path)
    files = in_process.files_of(folder, case.config(path))
    in_process.run(files)
    return files


def study(case: Case) -> Interval:
    """The lambda to use of a study that was run, with its interval."""
    with tempfile.TemporaryDirectory() as folder:
        files = run(case, Path(folder))
        (answer,) = answer_study(open_study(files.record("study")))
        return answer.recommendation.use


def least_squares_best(case: Case, draws: int = 4000) -> float:
    """The best lambda by the closed form: of the expected squared distance, in S, to the true
    weights, over drawn samples. The minimizer of loss and penalty solves
    (S_2 + lambda D / 2 diag(S_1)) w = S_2 w_2 + lambda D / 2 diag(S_1) w_1.
    """
    rng = np.random.default_rng([case.seed, 2])
    counts = [round(NEW * each) for each in (case.ratio, 1)]
    lambdas = case.bayes_lambda * 10 ** np.linspace(-1.5, 1.5, 301)
    whole = np.eye(INPUTS + 1)
    whole[:INPUTS, :INPUTS] = case.correlation ** np.abs(np.subtract.outer(*[range(INPUTS)] * 2))
    lost = np.zeros(len(lambdas))
    for _ in range(draws):
        squares, errors = [], []
        for count in counts:
            x = np.column_stack([case._inputs(rng, count), np.ones(count)])
            squares.append(x.T @ x / count)
            # The error of least squares, by its noise alone.
            errors.append(np.linalg.solve(squares[-1], x.T @ rng.standard_normal(count) / count))
        stiff = np.diag(np.diag(squares[0]))[None] * (lambdas * case.outputs / 2)[:, None, None]
        right = squares[1] @ errors[1] + stiff @ errors[0]
        away = np.linalg.solve(squares[1] + stiff, right[..., None])[..., 0]
        lost += np.einsum("li,ij,lj->l", away, whole, away)
    return float(lambdas[lost.argmin()])


def holds(found: Interval, truth: float) -> bool:
    """Whether an interval holds the truth; at an open end it reaches on, and none at all holds
    anything.
    """
    above = found.low > truth and not found.open_low
    below = found.high < truth and not found.open_high
    return not (above or below)


def summary(name: str, found: list[tuple[Case, Interval]]) -> str:
    """A row: studies, coverage, how many intervals are closed and how wide these are, and the bias
    of the estimate, in decades.
    """
    held = np.array([holds(each, case.bayes_lambda) for case, each in found])
    there = [(case, each) for case, each in found if np.isfinite(each.estimate)]
    off = np.array([np.log10(each.estimate / case.bayes_lambda) for case, each in there])
    closed = [each for _, each in there if not (each.open_low or each.open_high)]
    wide = np.array([np.log10(each.high / each.low) for each in closed] or [np.nan])
    error = off.std(ddof=1) / np.sqrt(len(off)) if len(off) > 1 else np.nan
    low, high = wilson(int(held.sum()), len(held))
    return (
        f"| {name} | {len(found)} | {100 * held.mean():.1f}% ({100 * low:.1f} to {100 * high:.1f}) "
        f"| {len(closed)} | {np.median(wide):.2f} | {off.mean():+.3f} ± {error:.3f} |"
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927)."""
    z, p = 1.96, hits / n
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


HEAD = (
    "| | studies | interval holds Bayes' value | closed at both ends | their median width "
    "| bias |\n"
    "|---|---|---|---|---|---|"
)


def coverage(studies: int) -> None:
    cells = list(itertools.product(RATIOS, NOISES, TRIALS, OUTPUTS))
    cases = [
        Case(*cells[n % len(cells)], seed=n + 1)  # type: ignore[misc]
        for n in range(studies)
    ]
    found = []
    for number, case in enumerate(cases, 1):
        use = study(case)
        found.append((case, use))
        ends = f"{use.estimate:.3g} ({use.low:.3g} to {use.high:.3g})"
        ends += f"{' open below' * use.open_low}{' open above' * use.open_high}"
        print(f"{number} of {studies}: {case}: {ends}", file=sys.stderr, flush=True)
    print(HEAD)
    print(summary("all", found))
    for key, values in (
        ("ratio", RATIOS),
        ("noise", NOISES),
        ("trials", TRIALS),
        ("outputs", OUTPUTS),
    ):
        for value in values:
            own = [pair for pair in found if getattr(pair[0], key) == value]
            if own:
                print(summary(f"{key} {value:g}", own), flush=True)


def correlated(studies: int) -> None:
    print("| correlation | closed form, by Bayes' value | studies, by Bayes' value |")
    print("|---|---|---|")
    for correlation in CORRELATIONS:
        cases = [Case(1.0, 1.0, 5, 1, correlation, seed=n + 1) for n in range(studies)]
        expected = least_squares_best(cases[0]) / cases[0].bayes_lambda
        off = np.log10([study(case).estimate / case.bayes_lambda for case in cases])
        off = off[np.isfinite(off)]
        error = 2 * off.std(ddof=1) / np.sqrt(len(off))
        low, high = 10 ** (off.mean() - error), 10 ** (off.mean() + error)
        print(
            f"| {correlation} | {expected:.2f} "
            f"| {10 ** off.mean():.2f} ({low:.2f} to {high:.2f}) |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=320)
    parser.add_argument("--only", choices=["coverage", "correlated"])
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    # Each file that is written names them.
    metadata.version = functools.cache(metadata.version)
    started = time.process_time()
    if options.only != "correlated":
        coverage(options.studies)
    if options.only != "coverage":
        correlated(max(options.studies // 16, 4))
    print(f"{time.process_time() - started:.0f} CPU s")


if __name__ == "__main__":
    main()
