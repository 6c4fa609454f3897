"""Training lambda steps and reference lines, from a job's inputs to its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ewc_lambda.jobs.finished import Finished
from ewc_lambda.jobs.open_trial import OpenTrial, later_stages, progress_log
from ewc_lambda.jobs.run_job import logger
from ewc_lambda.jobs.step_files import Step
from ewc_lambda.learning.device import as_fits
from ewc_lambda.learning.sequence import NO_IMPORTANCE, State, concatenated, run_sequence
from ewc_lambda.results.runs import Run, read_run
from ewc_lambda.seeding import step_branch

Floats = NDArray[np.float64]


def train_steps(
    snakemake: Any, grid: Mapping[str, Any], steps: Sequence[Step], repeated: Sequence[Step]
) -> None:
    """Train some steps of a round and write their records and weights.

    Members that are stacked train all lambdas in one program; looped ones train a step after the
    other, and each that is finished is kept, should the job be killed before the last. In a race,
    steps that were ``repeated`` from earlier rounds are compared with.
    """
    job = StepJob(snakemake, grid, alone=len(steps) == 1)
    done = {step: measures for step in steps if (measures := job.take(step)) is not None}
    waiting = [step for step in steps if step not in done]
    if job.stacked and waiting:
        # The bits of a member may depend on how many train together: all again, or none.
        done, waiting = {}, list(steps)
    if snakemake.params.config["racing"]:
        met = done | {step: read_run(step.record).measure for step in repeated}
        _race(job, sorted([*steps, *repeated]), met)
    else:
        for group in job.groups(waiting):
            for step, state in job.train(group, slice(None)):
                job.keep(step, state)
    job.place(steps)


def _race(job: StepJob, steps: Sequence[Step], met: Mapping[Step, Floats]) -> None:
    # Imported here: scipy is a quarter of a second of every job, and most hold no race.
    from ewc_lambda.search.racing import doubts, race

    parts: dict[Step, list[State]] = {}

    def train(running: Sequence[Step], replicates: slice) -> dict[Step, Floats]:
        logger.info("replicates %d to %d", replicates.start, replicates.stop - 1)
        for step in [step for step in parts if step not in running]:
            logger.info("lambda = %.6g is worse beyond doubt: dropped", job.value(step))
            job.keep(step, concatenated(parts.pop(step)))
        measures = {}
        for group in job.groups(running):
            for step, state in job.train(group, replicates):
                parts.setdefault(step, []).append(state)
                measures[step] = job.run(step, state).measure
                if replicates.stop == job.replicates:
                    job.keep(step, concatenated(parts.pop(step)))
        return measures

    when = doubts(len(steps), job.first_round)
    race(dict(zip(steps, when, strict=True)), job.replicates, met, train)
    for step, states in parts.items():
        job.keep(step, concatenated(states))


class StepJob:
    """A job that trains steps of one round: what they start from, and where they go. One that
    trains more than one step keeps each that is finished until all are (`Finished`).
    """

    def __init__(self, snakemake: Any, grid: Mapping[str, Any], alone: bool) -> None:
        self._grid = grid
        self._trial = OpenTrial.open(snakemake, later_stages(snakemake.params.config))
        self._start, self._digests = self._trial.start(snakemake, grid["importance"])
        self._finished = None if alone else Finished(self._trial, self._digests)
        self._log = progress_log(self._trial.problem, self._trial.problem.tasks, self._start.stage)
        self.replicates = int(snakemake.params.config["replicates"])

    @property
    def stacked(self) -> bool:
        """Whether members of several steps train in one program."""
        return self._trial.problem.settings.stacked

    @property
    def first_round(self) -> bool:
        """Whether the round is a search's first."""
        return bool(self._grid["round"] == 0)

    def groups(self, steps: Sequence[Step]) -> list[Sequence[Step]]:
        """The steps by the programs in which they train."""
        return [steps] if self.stacked and steps else [[step] for step in steps]

    def value(self, step: Step) -> float:
        """The lambda of a step."""
        return float(self._grid["lambdas"][step.number])

    def take(self, step: Step) -> Floats | None:
        """Measures (replicates,) of a step that an earlier start of the job finished."""
        return None if self._finished is None else self._finished.take(step, self._labels(step))

    def train(self, group: Sequence[Step], replicates: slice) -> list[tuple[Step, State]]:
        """Train some replicates of some steps in one program; the states that they end in."""
        importance, round_ = self._grid["importance"], self._grid["round"]
        values = [self.value(step) for step in group]
        logger.info("train lambda = %s", ", ".join(f"{value:.6g}" for value in values))
        branches = [step_branch(importance, round_, step.number) for step in group]
        streams = [s for branch in branches for s in self._trial.streams(branch)[replicates]]
        count = len(streams) // len(group)
        problem = self._trial.problem
        lambdas = torch.tensor(values, dtype=torch.float32, device=problem.device)
        lambdas = lambdas.repeat_interleave(count)
        start = concatenated([self._start.rows(replicates)] * len(group))

        def train(part: slice) -> State:
            own = start.rows(part), streams[part], lambdas[part]
            return run_sequence(problem, *own, importance, progress=self._log)

        state = concatenated(as_fits(len(streams), train))
        return [
            (step, state.rows(slice(place * count, (place + 1) * count)))
            for place, step in enumerate(group)
        ]

    def run(self, step: Step, state: State) -> Run:
        """The record of what a step's members have seen."""
        return self._trial.run(state, self._labels(step))

    def keep(self, step: Step, state: State) -> None:
        """Write a step that is finished."""
        run = self.run(step, state)
        if self._finished is not None:
            self._finished.put(step, run, state)
        else:
            digests = self._digests | self._trial.save(step.weights, state)
            self._trial.write(step.record, run, digests)

    def place(self, steps: Sequence[Step]) -> None:
        """Put all steps where the job's outputs belong."""
        if self._finished is not None:
            self._finished.place(steps)

    def _labels(self, step: Step) -> dict[str, Any]:
        return {
            "trial": self._trial.trial,
            "importance": self._grid["importance"],
            "round": self._grid["round"],
            "step": step.number,
            "lambda": self._grid["lambdas"][step.number],
        }


def train_reference(snakemake: Any) -> None:
    """Train a reference line of a trial and evaluate it, once, on the test split too."""
    name = snakemake.wildcards.reference
    opened = OpenTrial.open(snakemake, range(len(snakemake.params.config["tasks"])), test=True)
    streams = opened.streams(step_branch(name, 0, 0))
    start, digests = opened.start(snakemake, None)
    lambdas = torch.zeros(len(streams), device=opened.problem.device)
    log = progress_log(opened.problem, opened.problem.tasks, start.stage)

    def train(part: slice) -> State:
        own = start.rows(part), streams[part], lambdas[part]
        return run_sequence(
            opened.problem, *own, NO_IMPORTANCE, joint=name == "joint", progress=log
        )

    state = concatenated(as_fits(len(streams), train))
    run = opened.run(state, {"trial": opened.trial, "reference": name, "lambda": 0.0})
    tested = opened.tested(run, state.theta, state.buffers)
    digests |= opened.save(snakemake.output.get("weights"), state)
    opened.write(snakemake.output.record, tested, digests)
