"""A trial opened for training or evaluation: what the training scripts share."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ewc_lambda.data.prepared import Prepared, read_prepared
from ewc_lambda.data.task_order import for_trial
from ewc_lambda.errors import BrokenFileError
from ewc_lambda.jobs.run_job import logger
from ewc_lambda.learning.device import as_fits, open_device
from ewc_lambda.learning.problems import as_samples, build_problem
from ewc_lambda.learning.sequence import (
    State,
    base_state,
    concatenated,
    members_of,
    with_importance,
)
from ewc_lambda.learning.training import History, Problem, Progress
from ewc_lambda.networks.weights import load_importance, load_memory, load_state, save_state
from ewc_lambda.results.runs import Run, first_task_origin, introductions, read_run, write_run
from ewc_lambda.seeding import Stream
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.records import read_json


@dataclass(frozen=True)
class OpenTrial:
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
    def open(cls, snakemake: Any, stages: range, test: bool = False) -> OpenTrial:
        """Read data and base model of a job that trains the tasks ``stages``, and evaluates on the
        test split too where it is to ``test``. Other samples are left on disk.

        Raises:
            BrokenFileError: a file is not the one that was recorded.

        """
        torch.set_num_threads(snakemake.threads)
        config, inputs = snakemake.params.config, snakemake.input
        device = open_device(config)
        trial = int(snakemake.wildcards.trial)
        prepared = for_trial(
            read_prepared(inputs.data, _wanted(config, stages, test)), config, trial
        )
        # For its message alone: there is nothing to split.
        (problem,) = as_fits(1, lambda _: build_problem(config, prepared, stages, device))
        record = read_json(inputs.base_record)
        if record["trial"] != trial:
            raise BrokenFileError(inputs.base_record, f"it is that of trial {record['trial']}")
        digest = record["weights_sha256"]
        base = load_state(inputs.base_model, problem.layout, digest, device)
        origin = {"data": prepared.sha256, "base_model": digest}
        return cls(config, trial, prepared, problem, base, origin, snakemake.params.code)

    @property
    def shared(self) -> bool:
        """Whether the runs of this trial share its first task."""
        return bool(self.config["randomness"] == "common")

    def streams(self, branch: tuple[int, ...] = ()) -> list[Stream]:
        """One stream per replicate. Where runs do not share their random numbers, ``branch``
        makes them those of one run alone.
        """
        seed, replicates = self.config["seed"], self.config["replicates"]
        own = () if self.shared else branch
        return [Stream(seed, self.trial, r, own) for r in range(replicates)]

    def start(self, snakemake: Any, importance: str | None) -> tuple[State, dict[str, str]]:
        """Where a run begins: the end of the first task where the trial shares it, with the
        penalty term of ``importance``; else the base model. And the digests of what was used.
        """
        problem = self.problem
        if not self.shared:

            def base(part: slice) -> State:
                return base_state(problem, *self.base, part.stop - part.start)

            return concatenated(as_fits(self.config["replicates"], base)), {}
        record = read_run(snakemake.input.first_task, trial=self.trial, **self.origin)
        path, digest = snakemake.input.first_weights, record.origin["weights"]
        theta, buffers = load_state(path, problem.layout, digest, problem.device)
        curves = (record.loss, record.accuracy, record.penalty)
        loss, accuracy, penalty = (list(torch.from_numpy(each).unbind(1)) for each in curves)
        history = History(loss, accuracy, penalty, record.epoch.tolist())
        memory = {}
        if problem.settings.rule.optimizer_state == "carried":
            memory = load_memory(path, digest, problem.device)
        state = State(1, theta, buffers, [], history, memory)
        if importance is not None:
            omega = load_importance(path, problem.layout, importance, digest, problem.device)
            state = with_importance(problem, state, omega)
        return state, first_task_origin(record, importance)

    def run(self, state: State, labels: Mapping[str, Any]) -> Run:
        """The record of what a state has seen, and a line in the log if it diverged."""
        settings, history = self.problem.settings, state.history
        loss, accuracy, penalty = (
            torch.stack(values, dim=1).double().numpy()
            for values in (history.loss, history.accuracy, history.penalty)
        )
        per_epoch = settings.evaluations_per_epoch
        introduced = introductions(self.problem.tasks, settings.epochs, per_epoch)
        epoch = np.array(history.epoch)
        run = Run(loss, accuracy, penalty, epoch, introduced, labels, self.origin)
        if run.diverged:
            logger.warning("%s: diverged, a task loss is not finite", dict(labels))
        return run

    def tested(self, run: Run, theta: Tensor, buffers: Tensor) -> Run:
        """The record with the task loss and accuracy of its trained weights (replicates, size)
        and buffers (replicates, buffer_size) on the test split.
        """
        problem = self.problem

        def test(part: slice) -> Tensor:
            members = members_of(problem, theta[part], buffers[part])
            pairs = []
            for task, splits in enumerate(self.prepared.splits):
                scale, standard = self.prepared.scale, self.prepared.standard
                samples = as_samples(*splits["test"], scale, problem.device, standard)
                route = problem.network.route(task, problem.tasks - 1)
                pairs.append(torch.stack(members.evaluate(samples, route)))
            return torch.stack(pairs, dim=-1).cpu()

        loss, accuracy = torch.cat(as_fits(len(theta), test), dim=1).numpy()
        return dataclasses.replace(run, test_loss=loss, test_accuracy=accuracy)

    def save(self, weights: str | Path | None, state: State) -> dict[str, str]:
        """Write a state's weights if ``weights`` names a file; return the digest to record."""
        if weights is None:
            return {}
        return {"weights": save_state(weights, self.problem.layout, state.theta, state.buffers)}

    def write(self, path: str | Path, run: Run, digests: Mapping[str, str]) -> None:
        """Write a run's record; ``digests`` name the files that it was made from or belongs with,
        besides the trial's own.
        """
        named = dataclasses.replace(run, origin={**self.origin, **run.origin, **digests})
        write_run(path, named, provenance(self.code, self.config, torch=torch))


def later_stages(config: Mapping[str, Any]) -> range:
    """The tasks that a run with a penalty trains: not the first where the trial shares it."""
    return range(1 if config["randomness"] == "common" else 0, len(config["tasks"]))


def _wanted(config: Mapping[str, Any], stages: range, test: bool) -> Callable[[int, str], bool]:
    """Which samples a job needs that trains the tasks ``stages``: all where a trial draws them."""
    draws = config.get("task_order", "given") != "given" or config.get("drawn_share", 1) != 1

    def wanted(task: int, split: str) -> bool:
        if split == "train":
            return draws or task in stages
        return draws or split == config["selection_split"] or test

    return wanted


def progress_log(problem: Problem, stages: int, first: int = 0) -> Progress:
    """A callback that logs epochs, losses and the time left of the stages from ``first`` on."""
    started = time.monotonic()

    def log(stage: int, done: int, evaluations: int, history: History) -> None:
        share = ((stage - first) + done / evaluations) / (stages - first)
        left = (time.monotonic() - started) * (1 - share) / share
        losses = ", ".join(f"{value:.4f}" for value in history.loss[-1].mean(dim=0).tolist())
        epoch = history.epoch[-1] - stage * problem.settings.epochs
        logger.info("task %d epoch %g: mean losses %s; %.0f s left", stage, epoch, losses, left)

    return log
