"""The scale of lambda need not be known: studies with the search of config/config.yaml, as it is,
of data whose best lambda lies near 1e-3, near 1e3 and near 1e9.

    python benchmarks/scales.py                     all
    python benchmarks/scales.py --only regression   those whose best lambda Bayes' rule says
    python benchmarks/scales.py --only digits       those whose best lambda a wide grid says

Each study has its data in an npz file, and of the default config changes what is said of its data
and its training; the ranges of lambda stay `auto`. The regressions are those of known_optimum.py in
other units: of the targets, in which the empirical Fisher information is measured, or of the
inputs, with importance divided by its mean. The pictures are handwritten digits, and their best
lambda is that of eight other base models at every half decade from three decades below to three
above. Prints a table and writes nothing; docs/own-data.md holds what it printed.
"""

from __future__ import annotations

import argparse
import functools
import logging
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from known_optimum import INPUTS, REGRESSION, Case, holds
from numpy.typing import NDArray
from sklearn.datasets import load_digits

# A study in one process, as tests run it.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests/makers"))
import in_process

from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.results.files import Files
from ewc_lambda.results.study_file import Study

Config = dict[str, Any]

DEFAULT = Path(__file__).parents[1] / "config/config.yaml"

# Heavy-ball descent: sqrt(0.7) an update at the slowest, so that so many leave 5e-10 of the way.
UPDATES, MOMENTUM = 120, 0.7

OTHERS, DECADES = 8, 3
"""Base models of the wide grid, and how far it goes either way."""


@dataclass(frozen=True)
class Regression:
    """A linear regression in sequence, its inputs and targets in units of their own."""

    inputs: float = 1.0
    targets: float = 1.0
    importance: str = "fisher"
    normalize: str = "none"
    case: Case = field(default_factory=lambda: Case(1.0, 1.0, 40, outputs=4))

    def sampled(self, seed: int) -> Regression:
        """The same with other samples."""
        return replace(self, case=replace(self.case, seed=seed))

    @property
    def name(self) -> str:
        beside = "" if self.normalize == "none" else f", normalize: {self.normalize}"
        unit = f"inputs x {self.inputs:g}" if self.inputs != 1 else f"targets x {self.targets:.3g}"
        return f"regression, {unit}; {self.importance}{beside}"

    @property
    def best(self) -> float:
        """Bayes' value, by the size of this importance in units of the Fisher information.

        Of normal residuals the empirical Fisher information is the exact one times their variance.
        The mean is over INPUTS weights of size inputs^2 and a bias of size 1 for each output.
        """
        size = 1.0
        if self.importance == "fisher_empirical":
            size *= (self.case.noise * self.targets) ** 2
        if self.normalize == "mean":
            size /= (INPUTS * self.inputs**2 + 1) / (INPUTS + 1)
        return self.case.bayes_lambda / size

    def write(self, path: Path) -> None:
        self.case.write(path)
        with np.load(path) as file:
            arrays = dict(file)
        for split in ("train", "test"):
            arrays[f"x_{split}"] *= np.float32(self.inputs)
            arrays[f"y_{split}"] *= np.float32(self.targets)
        np.savez(path, **arrays)

    def config(self) -> Config:
        # Stable up to a stiffness of a hundred times the old task's.
        stiffest = 2 / self.case.outputs * (1 + self.case.ratio * 10**2) * self.inputs**2
        return {
            **REGRESSION,
            "updates": UPDATES,
            "momentum": MOMENTUM,
            "learning_rate": 2 * (1 + MOMENTUM) / stiffest,
            "importance": [self.importance],
            "normalize": self.normalize,
        }


@dataclass(frozen=True)
class Digits:
    """Handwritten digits of 8 x 8, whose pixels are up to ``pixel``, and the keys of training."""

    pixel: float
    about: float
    importance: str
    training: Mapping[str, Any]

    @property
    def name(self) -> str:
        keys = "".join(f", {key}: {value}" for key, value in self.training.items())
        return f"digits, pixels to {self.pixel:g}{keys}; {self.importance}"

    def write(self, path: Path) -> None:
        data = load_digits()
        order = np.random.default_rng(0).permutation(len(data.target))
        x, y = (data.data / 16 * self.pixel).astype(np.float32)[order], data.target[order]
        np.savez(path, x_train=x[:1200], y_train=y[:1200], x_test=x[1200:], y_test=y[1200:])

    def config(self) -> Config:
        return {"importance": [self.importance], **self.training}


REGRESSIONS = (
    Regression(targets=0.5e3**0.5, importance="fisher_empirical"),
    Regression(targets=0.5e-3**0.5, importance="fisher_empirical"),
    Regression(targets=0.5e-9**0.5, importance="fisher_empirical"),
    Regression(inputs=2.5e3**0.5, normalize="mean"),
    Regression(inputs=2.5e9**0.5, normalize="mean"),
)
THREE = {"tasks": [[0, 1, 2], [3, 4, 5]]}
LONG = {"epochs": 60, "learning_rate": 0.003}
DIGITS = (
    Digits(16, 1e3, "fisher", {}),
    Digits(64, 1e-2, "memory_aware_synapses", THREE),
    Digits(16, 1e9, "fisher_empirical", LONG),
)


def files_of(kind: Regression | Digits, folder: Path, changes: Config | None = None) -> Files:
    """The files of a study, of which its data is written: the default one but for what is said of
    the data and of training.
    """
    path = folder / "mine.npz"
    kind.write(path)
    config = yaml.safe_load(DEFAULT.read_text()) | {
        "study": "scales",
        "dataset": "npz",
        "npz_file": str(path),
        "samples_per_task": None,
        "steps_per_job": "round",
    }
    return in_process.files_of(folder, config | kind.config() | (changes or {}))


def wide_grid(kind: Digits) -> Interval:
    """The best lambda of other base models on a fixed grid, where the mean curve is lowest, with
    the middle 95% of that over base models drawn again.
    """
    changes = {
        "seed": 20260101,
        "low_range": [kind.about * 10**-DECADES] * 2,
        "high_range": [kind.about * 10**DECADES] * 2,
        "steps": 4 * DECADES + 1,
        "max_rounds": 1,
        "first_trials": None,
        "target_width": None,
        "trials": OTHERS,
        "replicates": 1,
        "references": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        files = files_of(kind, Path(folder), changes)
        in_process.run(files)
        steps = Study.read(files.record("study")).tables["steps"]
    x = np.unique(np.log10(steps["lambda"]))
    rows = [steps["measure"][steps["trial"] == trial].mean(axis=1) for trial in range(OTHERS)]
    curves = np.log(np.array(rows))
    rng = np.random.default_rng(1)
    drawn = [lowest(x, curves[rng.integers(OTHERS, size=OTHERS)].mean(axis=0)) for _ in range(2000)]
    low, high = 10 ** np.percentile(drawn, [2.5, 97.5])
    return Interval(10 ** lowest(x, curves.mean(axis=0)), low, high, OTHERS, 0.95)


def lowest(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Where the parabola through the lowest of a curve and its two neighbours is lowest."""
    best = int(np.argmin(y))
    if best in (0, len(x) - 1):
        return float(x[best])
    before, here, after = y[best - 1 : best + 2]
    bend = before - 2 * here + after
    return (
        float(x[best] + (x[1] - x[0]) * (before - after) / (2 * bend)) if bend else float(x[best])
    )


@dataclass(frozen=True)
class Answer:
    """Of one study: the lambda to use, what its scout said, and CPU seconds."""

    use: Interval
    scout: Mapping[str, Any]
    seconds: float

    @classmethod
    def of(cls, kind: Regression | Digits) -> Answer:
        started = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            files = files_of(kind, Path(folder))
            in_process.run(files)
            (answer,) = answer_study(open_study(files.record("study")))
            scout = files.scout(kind.importance)
        assert scout is not None
        return cls(answer.recommendation.use, scout, time.process_time() - started)

    def row(self, name: str, best: str, held: str) -> str:
        ranges = " and ".join(
            f"{low:.0e} to {high:.0e}"
            for low, high in (self.scout["low_range"], self.scout["high_range"])
        )
        use = self.use
        opened = " and ".join(["below"] * use.open_low + ["above"] * use.open_high) or "none"
        return (
            f"| {name} | {best} | {ranges} | {use.estimate:.3g} ({use.low:.3g} to {use.high:.3g}) "
            f"| {opened} | {held} | {use.n} | {self.seconds:.0f} |"
        )


def regression_row(kind: Regression, seeds: range) -> str:
    """The study of the first seed, and how many of all hold Bayes' value."""
    found = [Answer.of(kind.sampled(seed)) for seed in seeds]
    held = [holds(answer.use, kind.best) for answer in found]
    said = f"{'yes' if held[0] else 'no'}; {sum(held)} of {len(held)} samples"
    return found[0].row(kind.name, f"{kind.best:.3g}", said)


def digits_row(kind: Digits) -> str:
    found, wide = Answer.of(kind), wide_grid(kind)
    best = f"{wide.estimate:.2g} ({wide.low:.2g} to {wide.high:.2g})"
    return found.row(kind.name, best, "yes" if holds(found.use, wide.estimate) else "no")


HEAD = (
    "| data; importance | best lambda | bounds drawn from | lambda to use, interval | open end "
    "| holds the best | trials | CPU s |\n|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["regression", "digits"])
    parser.add_argument("--studies", type=int, default=5, help="of each regression")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    # Each file that is written names them.
    metadata.version = functools.cache(metadata.version)
    print(HEAD)
    if options.only != "digits":
        for number, kind in enumerate(REGRESSIONS, 1):
            # Samples of its own for each.
            seeds = range(100 * number + 1, 100 * number + 1 + options.studies)
            print(regression_row(kind, seeds), flush=True)
    if options.only != "regression":
        for pictures in DIGITS:
            print(digits_row(pictures), flush=True)


if __name__ == "__main__":
    main()
