"""What the training scripts share: opening a trial, training a run, writing its record."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ewc_lambda.jobs import logger
from ewc_lambda.members import Members, Samples
from ewc_lambda.prepared import Prepared, read_prepared
from ewc_lambda.problems import as_samples, build_problem
from ewc_lambda.provenance import provenance
from ewc_lambda.records import BrokenFileError, read_json
from ewc_lambda.runs import Run, introductions, read_run, write_run
from ewc_lambda.seeding import Stream, step_branch
from ewc_lambda.sequence import (
    NO_IMPORTANCE,
    State,
    base_state,
    run_sequence,
    with_importance,
)
from ewc_lambda.training import History, Problem, Progress
from ewc_lambda.weights import load_importance, load_state, save_state


@dataclass(frozen=True)
class Bench:
    """A trial opened for training: its problem, its base model (parameters, buffers), and the
    digests by which results name what they were made from.
    """

    config: Mapping[str, Any]
    trial: int
    prepared: Prepared
    problem: Problem
    base: tuple[Tensor, Tensor]
    origin: Mapping[str, str]
    code: str

    @classmethod
    def open(cls, snakemake: Any, first_stage: int = 0) -> Bench:
        """Read data and base model of a job; ``first_stage`` is the first task it trains.

        Raises:
            BrokenFileError: a file is not the one that was recorded.

        """
        torch.set_num_threads(snakemake.threads)
        torch.use_deterministic_algorithms(True)
        config, inputs = snakemake.params.config, snakemake.input
        trial = int(snakemake.wildcards.trial)
        prepared = read_prepared(inputs.data)
        problem = build_problem(config, prepared, first_stage)
        record = read_json(inputs.base_record)
        if record["trial"] != trial:
            raise BrokenFileError(inputs.base_record, f"it is that of trial {record['trial']}")
        digest = record["weights_sha256"]
        base = load_state(inputs.base_model, problem.layout, digest)
        origin = {"data": prepared.sha256, "base_model": digest}
        return cls(config, trial, prepared, problem, base, origin, snakemake.params.code)

    def streams(self, branch: tuple[int, ...] = ()) -> list[Stream]:
        """One stream per replicate; a ``branch`` makes them those of one step alone."""
        seed, replicates = self.config["seed"], self.config["replicates"]
        return [Stream(seed, self.trial, r, branch) for r in range(replicates)]

    def write(self, path: str | Path, run: Run, **digests: str) -> None:
        """Write a run's record; ``digests`` name further files that belong to it."""
        named = dataclasses.replace(run, origin={**self.origin, **run.origin, **digests})
        write_run(path, named, provenance(self.code, self.config))


def train_step(snakemake: Any, grid: Mapping[str, Any]) -> None:
    """Train the replicates of one lambda and write their record and weights."""
    wildcards = snakemake.wildcards
    measure, round_, step = wildcards.importance, int(wildcards.round), int(wildcards.step)
    value = grid["lambdas"][step]
    logger.info("lambda = %.6g, importance %s", value, measure)
    common = snakemake.params.config["randomness"] == "common"
    bench = Bench.open(snakemake, first_stage=1 if common else 0)
    streams = bench.streams(() if common else step_branch(measure, round_, step))
    start, digests = _start(bench, snakemake, len(streams), measure)
    state = _run(bench, start, streams, value, measure)
    labels = {
        "trial": bench.trial,
        "importance": measure,
        "round": round_,
        "step": step,
        "lambda": value,
    }
    _write(bench, snakemake, run_record(bench, state, labels), state, digests)


def train_reference(snakemake: Any) -> None:
    """Train a reference line of a trial and evaluate it, once, on the test split too."""
    name = snakemake.wildcards.reference
    bench = Bench.open(snakemake)
    common = bench.config["randomness"] == "common"
    streams = bench.streams(() if common else step_branch(name, 0, 0))
    start, digests = _start(bench, snakemake, len(streams), None)
    state = _run(bench, start, streams, 0.0, NO_IMPORTANCE, joint=name == "joint")
    labels = {"trial": bench.trial, "reference": name, "lambda": 0.0}
    run = run_record(bench, state, labels)
    loss, accuracy = test_evaluation(bench, state.theta, state.buffers)
    run = dataclasses.replace(run, test_loss=loss, test_accuracy=accuracy)
    _write(bench, snakemake, run, state, digests)


def test_evaluation(
    bench: Bench, theta: Tensor, buffers: Tensor
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Task loss and accuracy of trained weights (replicates, tasks) on the test split."""
    problem = bench.problem
    members = Members(
        problem.network,
        problem.layout,
        theta,
        buffers,
        problem.settings.loss,
        problem.settings.stacked,
    )
    newest = problem.tasks - 1
    pairs = [
        members.evaluate(samples, problem.network.route(task, newest))
        for task, samples in enumerate(_test_samples(bench))
    ]
    loss, accuracy = (torch.stack(values, dim=1).numpy() for values in zip(*pairs, strict=True))
    return loss, accuracy


def run_record(bench: Bench, state: State, labels: Mapping[str, Any]) -> Run:
    """The record of what a state has seen, and a line about it in the log."""
    settings, history = bench.problem.settings, state.history
    loss, accuracy, penalty = (
        torch.stack(values, dim=1).double().numpy()
        for values in (history.loss, history.accuracy, history.penalty)
    )
    introduced = introductions(bench.problem.tasks, settings.epochs, settings.evaluations_per_epoch)
    run = Run(
        loss, accuracy, penalty, settings.evaluations_per_epoch, introduced, labels, bench.origin
    )
    if run.diverged:
        logger.warning("diverged: a task loss is not finite")
    return run


def progress_log(problem: Problem, stages: int, first: int = 0) -> Progress:
    """A callback that logs epochs, losses and the time left of the stages from ``first`` on."""
    started = time.monotonic()

    def log(stage: int, done: int, evaluations: int, history: History) -> None:
        share = ((stage - first) + done / evaluations) / (stages - first)
        left = (time.monotonic() - started) * (1 - share) / share
        losses = ", ".join(f"{value:.4f}" for value in history.loss[-1].mean(dim=0).tolist())
        epoch = done / problem.settings.evaluations_per_epoch
        logger.info("task %d epoch %g: mean losses %s; %.0f s left", stage, epoch, losses, left)

    return log


def _start(
    bench: Bench, snakemake: Any, members: int, measure: str | None
) -> tuple[State, dict[str, str]]:
    """Where a run begins: the end of the first task where the trial shares it, with the penalty
    term of ``measure``; else the base model. And the digests of the files used.
    """
    problem = bench.problem
    if bench.config["randomness"] == "independent":
        return base_state(problem, *bench.base, members), {}
    record = read_run(snakemake.input.first_task, trial=bench.trial, **bench.origin)
    path, digest = snakemake.input.first_weights, record.origin["weights"]
    theta, buffers = load_state(path, problem.layout, digest)
    history = History(*(list(torch.from_numpy(a).unbind(1)) for a in _curves(record)))
    state = State(1, theta, buffers, [], history)
    if measure is not None:
        omega = load_importance(path, problem.layout, measure, digest)
        state = with_importance(problem, state, omega)
    return state, {"first_task": digest}


def _curves(run: Run) -> tuple[NDArray[np.float64], ...]:
    return run.loss, run.accuracy, run.penalty


def _run(
    bench: Bench,
    start: State,
    streams: Sequence[Stream],
    value: float,
    measure: str,
    joint: bool = False,
) -> State:
    problem = bench.problem
    lambdas = torch.full((len(streams),), value, dtype=torch.float32)
    log = progress_log(problem, problem.tasks, start.stage)
    return run_sequence(problem, start, streams, lambdas, measure, joint=joint, progress=log)


def _write(
    bench: Bench, snakemake: Any, run: Run, state: State, digests: Mapping[str, str]
) -> None:
    found = dict(digests)
    if bench.config["save_weights"]:
        path, layout = snakemake.output.weights, bench.problem.layout
        found["weights"] = save_state(path, layout, state.theta, state.buffers)
    bench.write(snakemake.output.record, run, **found)


def _test_samples(bench: Bench) -> list[Samples]:
    prepared = bench.prepared
    return [as_samples(*splits["test"], prepared.scale) for splits in prepared.splits]
