"""A trial that a user's own trainer trains: what `open_trial` and `steps` are for our networks.

The base model of such a trial is its seeds, and the first task what `start` returns: a file of
arrays, from which all lambdas begin.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ewc_lambda.config.study_config import part
from ewc_lambda.data.prepared import SPLITS, Prepared, read_prepared
from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.jobs.run_job import logger
from ewc_lambda.results.runs import Run, first_task_origin, introductions, read_run, write_run
from ewc_lambda.seeding import Stream, trial_generator
from ewc_lambda.store.provenance import processor, provenance
from ewc_lambda.store.records import file_digest, read_json
from ewc_lambda.store.replacing import replacing
from ewc_lambda.trainers.calls import Arrays, Call, Trainer
from ewc_lambda.trainers.curves import Curves, Shape, differing

# The parts of a config that a trainer is told.
_TOLD = ("seed", "data", "model", "training", "importance")
_SEEDS = 2**31


@dataclass(frozen=True)
class Start:
    """What a replicate's training begins with: what `start` returned, and its curves."""

    arrays: Mapping[str, np.ndarray]
    curves: Curves


class ToTrain(NamedTuple):
    """A run to be trained: where its replicates begin, their calls, and its labels."""

    starts: Sequence[Start]
    calls: Sequence[Call]
    labels: Mapping[str, Any]


@dataclass(frozen=True)
class OwnTrial:
    """A trial opened for a trainer; ``origin`` are the digests by which results name what they
    were made from.
    """

    config: Mapping[str, Any]
    trial: int
    trainer: Trainer
    shape: Shape
    origin: Mapping[str, str]
    code: str

    @classmethod
    def open(cls, snakemake: Any) -> OwnTrial:
        """Open the trial of a job; that of a base model, which is to be made, too.

        Raises:
            BrokenFileError: a file is not the one that was recorded.

        """
        config, trial = snakemake.params.config, int(snakemake.wildcards.trial)
        prepared = read_prepared(snakemake.input.data)
        origin = {"data": prepared.sha256}
        if (path := snakemake.input.get("base_record")) is not None:
            record = read_json(path)
            if record["trial"] != trial:
                raise BrokenFileError(path, f"it is that of trial {record['trial']}")
            origin["base_model"] = record["weights_sha256"]
        names = [task.name for task in prepared.tasks]

        def write_data(folder: Path) -> None:
            if config["dataset"] != "own":
                _write_data(prepared, folder)

        told = part(config, *_TOLD)
        trainer = Trainer(told, names, prepared.scale, write_data, snakemake.threads, logger)
        shape = Shape.of(config, trainer.name)
        return cls(config, trial, trainer, shape, origin, snakemake.params.code)

    @property
    def shared(self) -> bool:
        """Whether the runs of this trial share what `start` returns."""
        return bool(self.config["randomness"] == "common")

    @property
    def base_seed(self) -> int:
        """The seed that all replicates of the trial share."""
        generator = trial_generator(self.config["seed"], self.trial, "weights")
        return int(generator.integers(_SEEDS))

    def calls(self, function: str, branch: tuple[int, ...], **about: Any) -> list[Call]:
        """A call of each replicate. Where runs do not share their random numbers, ``branch`` makes
        them those of one run alone.
        """
        seed, own = self.config["seed"], () if self.shared else branch
        streams = [Stream(seed, self.trial, r, own) for r in range(self.config["replicates"])]
        seeds = [int(stream.generator("trainer").integers(_SEEDS)) for stream in streams]
        base = self.base_seed
        return [Call(function, self.trial, r, s, base, **about) for r, s in enumerate(seeds)]

    def starts(self, branch: tuple[int, ...] = ()) -> list[Start]:
        """What `start` returns for each replicate."""
        if self.trainer.config["trainer"] is None:
            return [self._start({})] * self.config["replicates"]
        return [self._start(found) for found in self.trainer.run(self.calls("start", branch))]

    def shared_starts(self, snakemake: Any) -> tuple[list[Start], Run]:
        """What the first task's files hold, and their record.

        Raises:
            BrokenFileError: they are not the ones that were recorded.

        """
        record = read_run(snakemake.input.first_task, trial=self.trial, **self.origin)
        path = Path(snakemake.input.first_weights)
        if not path.exists() or file_digest(path) != record.origin["weights"]:
            raise BrokenFileError(path, "its SHA-256 is not the one that its record names")
        try:
            named = load(path.read_bytes())
        except SafetensorError as error:
            raise BrokenFileError(path, f"not a safetensors file ({error})") from None
        starts: list[Start] = []
        for replicate, curves in enumerate(zip(record.loss, record.accuracy, strict=True)):
            own = f"{replicate}/"
            arrays = {n.removeprefix(own): a for n, a in named.items() if n.startswith(own)}
            starts.append(Start(arrays, curves))
        return starts, record

    def begin(
        self, snakemake: Any, importance: str | None, branch: tuple[int, ...]
    ) -> tuple[list[Start], dict[str, str]]:
        """Where the runs of a job begin, and the digests of what was used."""
        if not self.shared:
            return self.starts(branch), {}
        starts, record = self.shared_starts(snakemake)
        return starts, first_task_origin(record, importance)

    def train(self, tasks: Sequence[ToTrain], keep: Callable[[int, Run], None]) -> None:
        """Train some runs in one process; ``keep`` is given the number of each and its record as
        soon as all its replicates are trained.
        """
        replicates = self.config["replicates"]
        whole = [
            replace(call, start=start.arrays)
            for each in tasks
            for call, start in zip(each.calls, each.starts, strict=True)
        ]
        curves: list[Curves] = []

        def take(number: int, returned: Arrays) -> None:
            each, replicate = tasks[number // replicates], number % replicates
            first = each.starts[replicate].curves
            curves.append(self.shape.whole(first, returned, whole[number].function))
            if replicate == replicates - 1:
                run = self.run(curves[-replicates:], each.labels)
                if run.diverged:
                    logger.warning("%s: diverged, a task loss is not finite", dict(each.labels))
                keep(number // replicates, run)

        self.trainer.run(whole, take)

    def run(self, curves: Sequence[Curves], labels: Mapping[str, Any]) -> Run:
        """The record of some replicates' curves. A trainer tells no penalty."""
        loss, accuracy = (np.stack(each) for each in zip(*curves, strict=True))
        shape = self.shape
        return Run(
            loss,
            accuracy,
            np.full(loss.shape[:2], np.nan),
            shape.epoch[: loss.shape[1]],
            introductions(shape.tasks, shape.epochs, shape.per_epoch),
            labels,
            self.origin,
        )

    def save(self, weights: str | Path | None, state: None) -> dict[str, str]:
        """A trainer's weights are its own: nothing is kept, nothing to record."""
        return {}

    def write(self, path: str | Path, run: Run, digests: Mapping[str, str]) -> None:
        """Write a run's record; ``digests`` name the files that it was made from or belongs with,
        besides the trial's own.
        """
        named = replace(run, origin={**self.origin, **run.origin, **digests})
        made = provenance(self.code, self.config)
        # It was not this program that computed.
        write_run(path, named, {**made, "arithmetic": processor()})

    def save_starts(self, path: str | Path, starts: Sequence[Start]) -> dict[str, str]:
        """Write what `start` returned; the digests to record: of the file, and of what it holds."""
        named = {
            f"{replicate}/{name}": np.array(array, order="C")
            for replicate, start in enumerate(starts)
            for name, array in start.arrays.items()
        }
        content = save(named)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
            weights = file_digest(temporary)
        state = hashlib.sha256(content).hexdigest()
        measures = {f"omega/{name}": state for name in self.config["importance"]}
        return {"weights": weights, "state": state, **measures}

    def check_repeats(self) -> None:
        """Make the first replicate's calls twice: common random numbers, and files that come out
        the same, need losses that hang on the seeds alone.

        Raises:
            StudyError: they differ.

        """
        starts = [self._start({})] * 2
        if self.trainer.config["trainer"] is not None:
            first = self.calls("start", ())[0]
            starts = [self._start(found) for found in self.trainer.run([first, first])]
            self._compare("start", starts[0].arrays, starts[1].arrays)
        call = self.calls("train", (), value=1.0)[0]
        twice = [replace(call, start=start.arrays) for start in starts]
        found = self.trainer.run(twice)
        self.shape.whole(starts[0].curves, found[0], "train")
        self._compare("train", found[0], found[1])

    def _compare(
        self, function: str, one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]
    ) -> None:
        name = differing(one, other)
        if name is not None:
            raise StudyError(
                f"{self.trainer.name}: {function} returned other {name} when it was called twice "
                f"with the same seeds; draw all random numbers from the seeds that it is given, "
                f"and let the device compute deterministically"
            )

    def _start(self, returned: Arrays) -> Start:
        own = ("losses", "accuracies")
        arrays = {name: array for name, array in returned.items() if name not in own}
        return Start(arrays, self.shape.first(returned))


def seeds_digest(opened: OwnTrial) -> str:
    """The digest that stands for a base model: of a trial's seeds."""
    told = [(call.replicate, call.seed) for call in opened.calls("train", ())]
    text = json.dumps([opened.trial, opened.base_seed, told])
    return hashlib.sha256(text.encode()).hexdigest()


def _write_data(prepared: Prepared, folder: Path) -> None:
    for task, splits in enumerate(prepared.splits):
        for split in SPLITS:
            x, y = splits[split]
            np.savez(folder / f"{task}_{split}.npz", x=x, y=y)
