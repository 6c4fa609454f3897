"""The record of one run through the tasks: a lambda step, a reference line, or a first task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.errors import BrokenFileError
from ewc_lambda.results.criteria import MEASURE, criterion
from ewc_lambda.search.riemann import riemann_measure
from ewc_lambda.store.provenance import recipe_of
from ewc_lambda.store.records import read_attributes, read_hdf5, read_json, write_hdf5
from ewc_lambda.store.stamps import digest_of

_AXES = {
    "loss": ("replicate, evaluation, task", "task loss, penalty not in it"),
    "accuracy": ("replicate, evaluation, task", "share of samples classified rightly"),
    "penalty": ("replicate, evaluation", "penalty as added to the loss, lambda included"),
    "test_loss": ("replicate, task", "task loss on the test split, after the last task"),
    "test_accuracy": ("replicate, task", "accuracy on the test split, after the last task"),
    "measure": ("replicate", "Riemann measure, loss times epochs"),
    "epoch": ("evaluation", "epochs since the start, over all tasks, of this evaluation"),
    "introduced": ("task", "index of the first evaluation after the task was introduced"),
}


# Digests that stand in front of a run's file: of what it was made from, and of its weights.
_ORIGIN = ("data", "base_model", "first_task", "omega", "weights")


@dataclass(frozen=True)
class Run:
    """What one run saw on the selection split, for its replicates.

    ``loss`` and ``accuracy`` are (replicates, evaluations, tasks), ``penalty`` (replicates,
    evaluations), ``epoch`` (evaluations,), ``measure`` (replicates,), all float64; the first
    evaluation is that of the base model, at epoch 0. ``test_loss`` and ``test_accuracy``
    (replicates, tasks), where there are any, are of the trained weights on the test split.
    ``labels`` are the attributes that say which run it is: trial, importance, round, step, lambda
    or reference. ``origin`` are the digests of the files that it was made from or belongs with;
    ``sha256`` is the seal of the record's own file, once it was read from one, and
    ``arithmetic`` how the program computed that wrote it.
    """

    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    penalty: NDArray[np.float64]
    epoch: NDArray[np.float64]
    introduced: Sequence[int]
    labels: Mapping[str, Any]
    origin: Mapping[str, str]
    test_loss: NDArray[np.float64] | None = None
    test_accuracy: NDArray[np.float64] | None = None
    sha256: str = ""
    arithmetic: str = ""

    @property
    def measure(self) -> NDArray[np.float64]:
        """Riemann measure of each replicate; meaningless for a first task alone."""
        return riemann_measure(self.loss, self.introduced, np.diff(self.epoch, prepend=0.0))

    def judged(self, select_by: str) -> NDArray[np.float64]:
        """What each replicate is judged by (replicates,), one of `criteria.CRITERIA`."""
        return criterion(select_by, self.measure, self.loss, self.accuracy, self.introduced)

    @property
    def diverged(self) -> bool:
        """Whether any loss that counts is not finite."""
        return not bool(np.isfinite(self.measure).all())


def introductions(tasks: int, epochs: int, evaluations_per_epoch: int) -> list[int]:
    """Index of the first evaluation after each task was introduced (tasks,). Evaluation 0 is that
    of the base model.
    """
    return [1 + task * epochs * evaluations_per_epoch for task in range(tasks)]


def write_run(path: str | Path, run: Run, provenance: Mapping[str, Any]) -> None:
    """Write the record of a run."""
    arrays = {
        "loss": run.loss,
        "accuracy": run.accuracy,
        "penalty": run.penalty,
        "measure": run.measure,
        "epoch": run.epoch,
        "introduced": np.asarray(run.introduced, dtype=np.int64),
    }
    if run.test_loss is not None and run.test_accuracy is not None:
        arrays |= {"test_loss": run.test_loss, "test_accuracy": run.test_accuracy}
    content = {
        name: (array, {"axes": _AXES[name][0], "description": _AXES[name][1]})
        for name, array in arrays.items()
    }
    attributes = {
        "content": "run",
        "labels": dict(run.labels),
        "origin": dict(run.origin),
        "diverged": run.diverged,
        "provenance": provenance,
    }
    front = {name: run.origin[name] for name in _ORIGIN if name in run.origin}
    front["labels"] = digest_of(dict(run.labels))
    write_hdf5(path, content, attributes, recipe_of(provenance), front)


def read_run(path: str | Path, **expected: Any) -> Run:
    """Read the record of a run, and make sure that it is the one that is ``expected``: labels by
    name, or digests of its origin by name.

    Raises:
        BrokenFileError: the file is damaged, or that of another run.

    """
    content, attributes = read_hdf5(path)
    if attributes.get("content") != "run":
        raise BrokenFileError(path, "not the record of a run")
    labels, origin = attributes["labels"], attributes["origin"]
    for name, value in expected.items():
        found = labels.get(name, origin.get(name))
        if found != value:
            raise BrokenFileError(path, f"its {name} is {found}, not {value}")
    return Run(
        content["loss"],
        content["accuracy"],
        content["penalty"],
        content["epoch"],
        [int(first) for first in content["introduced"]],
        labels,
        origin,
        content.get("test_loss"),
        content.get("test_accuracy"),
        attributes["sha256"],
        # Records from before it was kept do not say.
        str(attributes["provenance"].get("arithmetic", "")),
    )


def first_task_origin(record: Run, importance: str | None) -> dict[str, str]:
    """Digests that a run carries of the shared first task it starts from, and of the importance
    that its penalty has, from the first task's record.
    """
    origin = {"first_task": record.origin["state"]}
    if importance is not None:
        origin["omega"] = record.origin[f"omega/{importance}"]
    return origin


def trial_origin(inputs: Any, importance: str | None) -> dict[str, str]:
    """Digests that every step (or reference line: ``importance`` is None) of a trial carries, from
    a job's inputs: of its data, its base model and, where there is one, the shared first task.
    """
    origin = {
        "data": read_attributes(inputs.data)["samples_sha256"],
        "base_model": read_json(inputs.base_record)["weights_sha256"],
    }
    if inputs.get("first_task"):
        origin |= first_task_origin(read_run(inputs.first_task, **origin), importance)
    return origin


def round_measures(runs: Sequence[Run], select_by: str = MEASURE) -> list[float]:
    """Mean measure of each step of a round, or mean of what it is judged by; nan for those that
    diverged or were dropped in a race: means over fewer replicates than others have cannot be
    compared with theirs.
    """
    most = max((len(run.measure) for run in runs if not run.diverged), default=0)
    return [
        float(run.judged(select_by).mean())
        if not run.diverged and len(run.measure) == most
        else float("nan")
        for run in runs
    ]
