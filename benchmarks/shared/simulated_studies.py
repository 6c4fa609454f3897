"""Whole simulated studies: brackets drawn for the first trials and narrowed round by round, the few
lambdas of later ones, looks, and stopping, by the functions of the workflow; measures are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from shared.resampled_trials import base_models

from ewc_lambda.inference import best_lambda as st
from ewc_lambda.inference.across_trials import at_ends
from ewc_lambda.inference.best_lambda import Interval
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
FINE = np.linspace(-1.0, 8.0, 1801)

Drawn = tuple[Callable[[float], Floats], Floats]
"""A trial: what its replicates (R,) measure at x, and at lambda = 0."""


@dataclass(frozen=True)
class Setup:
    """One row: how a trial's measures (R,) at x = log10(lambda) are drawn, and what is true: the
    best lambda, and the mean gain over lambda = 0 of base models at their own best lambdas.
    """

    labels: tuple[str, str, str]
    draw: Callable[[np.random.Generator, int], Drawn]
    best: float
    target: float
    replicates: int
    shares: bool
    config: Mapping[str, Any] = field(default_factory=dict)
    gain: float = float("nan")
    first_look: int = 5


def resampled(
    label: str, path: str, target: float, replicates: int, shares: bool, **config: Any
) -> Setup:
    """Of the base models of a committed study, in its ranges."""
    models = base_models(f"results/reference/{path}/study.h5")
    curves = np.array([model.expected(FINE) for model in models])
    mean = (np.log(curves) if shares else curves).mean(axis=0)

    def draw(rng: np.random.Generator, n: int) -> Drawn:
        return models[rng.integers(len(models))].trial(rng, n)

    labels = (label, "its own", "its own")
    best = float(FINE[mean.argmin()])
    gain = float(np.mean([model.zero - model.lowest for model in models]))
    return Setup(labels, draw, best, target, replicates, shares, config, gain)


class SimulatedTrial:
    """A trial whose measures are drawn instead of trained: lambdas, measures, ends of round 0."""

    def __init__(self, drawn: Drawn) -> None:
        self._draw, self.zero = drawn
        self._known: dict[float, Floats] = {}
        self.decisions: list[dict[str, Any]] = []
        self.programs: list[int] = []
        """Members that train together, one after another."""

    @property
    def trainings(self) -> int:
        return sum(self.programs)

    def _round(self, lambdas: list[float]) -> list[float]:
        """The measures of a round's lambdas; those that are met again are not trained again."""
        new = [value for value in lambdas if value not in self._known]
        for value in new:
            self._known[value] = self._draw(float(np.log10(value)))
        self.programs.append(sum(len(self._known[value]) for value in new))
        return [float(self._known[value].mean()) for value in lambdas]

    def search(
        self, config: dict[str, Any], trial: int, start: tuple[Bracket, list[float]]
    ) -> None:
        self.start = start
        while not self.decisions or self.decisions[-1]["stop"] is None:
            before = self.decisions[-1] if self.decisions else None
            bracket, lambdas = round_grid(config, trial, before) if before else start
            measures = self._round(lambdas)
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
    def first_lambdas(self) -> list[float]:
        return list(self.decisions[0]["lambdas"])

    @property
    def first_measures(self) -> Floats:
        return np.stack([self._known[value] for value in self.first_lambdas], axis=1)

    @property
    def first_ends(self) -> tuple[float, float]:
        return self.first_lambdas[0], self.first_lambdas[-1]


def curves_of(trials: list[SimulatedTrial], shares: bool) -> Curves:
    return fitted_curves(
        [t.lambdas for t in trials],
        [t.measures for t in trials],
        [t.first_ends for t in trials],
        shares=shares,
    )


def stopped(
    rng: np.random.Generator, setup: Setup
) -> tuple[list[SimulatedTrial], Interval, float, Curves]:
    """A study that stops by its width: its trials, the interval at the stop, how wide it is, and
    the curves.
    """
    config = {**CONFIG, **setup.config, "seed": int(rng.integers(2**31))}
    trials: list[SimulatedTrial] = []
    count: int | None = setup.first_look
    while count is not None:
        more(trials, count, rng, setup, config)
        curves, reason = curves_of(trials, setup.shares), at_ends([t.end for t in trials])
        use = lambda_to_use(curves, STOPPED)
        width = np.log10(use.high / use.low)
        if use.open_low or use.open_high or np.isnan(width):
            width = np.inf
        width = float("nan" if reason else width)
        count = look({"": width}, setup.target, len(trials), MOST).next_trials
    return trials, use, width, curves


def more(
    trials: list[SimulatedTrial],
    count: int,
    rng: np.random.Generator,
    setup: Setup,
    config: dict[str, Any],
) -> None:
    """Go on to so many trials."""
    for number in range(len(trials), count):
        trial = SimulatedTrial(setup.draw(rng, setup.replicates))
        # Later trials have one grid.
        if number > config["first_trials"]:
            start = trials[-1].start
        else:
            start = round_grid(config, number, None, [t.decisions for t in trials])
        trial.search(config, number, start)
        trials.append(trial)
