"""CPU seconds of training by the config of a committed study."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from shared.published import as_prepared

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.scenarios import build_scenario
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
from ewc_lambda.seeding import Stream, trial_generator

REFERENCE = Path(__file__).resolve().parents[2] / "results/reference"
LONG = 2.0
"""CPU seconds of a measurement that is not repeated."""

Seconds = Callable[[float], float]


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
