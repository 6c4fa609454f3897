"""The prepared data of a study: every task's splits in one file, read by all that trains."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ewc_lambda.data.scenarios import Scenario
from ewc_lambda.data.standard import Standard
from ewc_lambda.store.provenance import recipe_of
from ewc_lambda.store.records import read_attributes, read_hdf5, write_hdf5

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class TaskInfo:
    """What is known of a task without its samples."""

    name: str
    outputs: int
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """Tasks of a study, their samples as stored: ``splits[k][name]`` is (x, y) of task k. Pictures
    (N, C, H, W) may lie in memory with the channels last, as they are computed with. A model takes
    x times ``scale``, standardized by ``standard``, mean and deviation, if there are any.
    ``sha256`` is that of the samples and of what is said of them, by which results name the data
    that they were made from.
    """

    tasks: tuple[TaskInfo, ...]
    kind: str
    input_shape: tuple[int, ...]
    scale: float
    splits: Sequence[Mapping[str, tuple[np.ndarray, np.ndarray]]]
    sha256: str
    standard: Standard | None = None


def write_prepared(path: str | Path, scenario: Scenario, provenance: Mapping[str, Any]) -> None:
    """Write a scenario as the study's data file. Inputs keep their storage type; a model takes
    them times the attribute ``scale``.
    """
    content: dict[str, Any] = {}
    for index, task in enumerate(scenario.tasks):
        for split in SPLITS:
            x, y = task.splits[split]
            axes = "sample, channel, row, column" if x.ndim == 4 else "sample, feature"
            content[f"task_{index}/{split}/x"] = (x, {"axes": axes})
            content[f"task_{index}/{split}/y"] = (y, {"axes": "sample"})
    tasks = [
        {"name": task.name, "classes": list(task.classes), "outputs": task.outputs}
        for task in scenario.tasks
    ]
    attributes = {
        "content": "prepared data",
        "tasks": {"tasks": tasks},
        "kind": scenario.kind,
        "input_shape": list(scenario.input_shape),
        "scale": scenario.scale,
    }
    if scenario.names:
        attributes["tasks"] = {"tasks": tasks, "names": list(scenario.names)}
    if scenario.standard is not None:
        mean, deviation = scenario.standard
        attributes["standard"] = {"mean": mean, "deviation": deviation}
    # Of the content alone: who made it, from which revision, is nothing to what starts from it.
    samples = _digest({name: values for name, (values, _) in content.items()}, attributes)
    named = {"samples_sha256": samples, "sources": scenario.sources, "provenance": provenance}
    attributes |= named
    if scenario.notes:
        attributes["notes"] = list(scenario.notes)
    write_hdf5(path, content, attributes, recipe_of(provenance), {"samples": samples})


def read_prepared(
    path: str | Path, wanted: Callable[[int, str], bool] = lambda _, __: True
) -> Prepared:
    """Read a study's data file. The inputs of a task's split that are not ``wanted`` are left on
    disk (`ewc_lambda.store.contents.Unread`); targets are always read.

    Raises:
        BrokenFileError: it is not what was written.

    """

    def read(name: str) -> bool:
        task, split, kind = name.split("/")
        return kind == "y" or wanted(int(task.removeprefix("task_")), split)

    content, attributes = read_hdf5(path, read)
    # One after the other: two copies of all samples would take twice their memory.
    for name in filter(read, content):
        content[name] = _channels_last(content[name])
    tasks = tuple(
        TaskInfo(task["name"], task["outputs"], tuple(task["classes"]))
        for task in attributes["tasks"]["tasks"]
    )
    splits = [
        {s: (content[f"task_{k}/{s}/x"], content[f"task_{k}/{s}/y"]) for s in SPLITS}
        for k in range(len(tasks))
    ]
    shape = tuple(int(n) for n in attributes["input_shape"])
    standard = attributes.get("standard")
    return Prepared(
        tasks,
        attributes["kind"],
        shape,
        attributes["scale"],
        splits,
        attributes["samples_sha256"],
        None if standard is None else (standard["mean"], standard["deviation"]),
    )


def _channels_last(x: np.ndarray) -> np.ndarray:
    """The same values, pictures with the channels last in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if x.ndim == 4 else x


def _digest(arrays: Mapping[str, np.ndarray], said: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name, values in sorted(arrays.items()):
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def read_task_names(path: str | Path) -> list[str]:
    """Names of the tasks in results, in order, without reading the samples of a data file."""
    said = read_attributes(path)["tasks"]
    return list(said.get("names") or (task["name"] for task in said["tasks"]))


def read_notes(path: str | Path) -> list[str]:
    """What the owner of the data should know of what was read, without reading its samples."""
    return list(read_attributes(path).get("notes", ()))
