"""Tasks whose samples come from different places: data sets of their own, or parts of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ewc_lambda.data.pictures import fitted
from ewc_lambda.data.sources import DATASETS, Dataset, DatasetInfo
from ewc_lambda.data.sources.mixed_tasks import task_sources
from ewc_lambda.data.sources.task_list import ALL, check_counts, class_indices, stripped
from ewc_lambda.data.task_splits import (
    Task,
    check_not_empty,
    class_splits,
    pools_of,
    regression_task,
)
from ewc_lambda.errors import StudyError


@dataclass(frozen=True)
class Part:
    """The data set of one task. ``label`` names it; ``origin`` is equal for parts whose classes are
    the same ones; ``entry`` lists the task's classes.
    """

    label: str
    origin: str
    data: Dataset
    info: DatasetInfo
    entry: Any


def parts_of_sources(config: Mapping[str, Any]) -> list[Part]:
    """A part for each task, of the data set that its mapping names; each is read once."""
    read: dict[str, Dataset] = {}
    parts = []
    for source in task_sources(config, DATASETS):
        key = f"{source.info.name} {source.place}"
        if key not in read:
            read[key] = fitted(source.config, source.info.load(source.config))  # type: ignore[misc]
        data = read[key]
        if data.task_train is not None:
            raise StudyError(
                f"tasks: {source.label} has task_train, tasks of its own. Allowed: dataset npz "
                f"with this npz_file, and an entry of classes for each of its tasks"
            )
        parts.append(Part(source.label, key, data, source.info, source.classes))
    return parts


def parts_of_file(config: Mapping[str, Any], data: Dataset, info: DatasetInfo) -> list[Part]:
    """A part for each task of a data set whose samples say which task they are of."""
    assert data.task_train is not None
    assert data.task_test is not None
    numbers = np.unique(data.task_train).tolist()
    if len(config["tasks"]) != len(numbers):
        raise StudyError(
            f"tasks: lists {len(config['tasks'])} tasks, and task_train has {len(numbers)}, "
            f"{numbers[0]} to {numbers[-1]}. Allowed: the classes of each, as in "
            f"[{', '.join([ALL] * min(len(numbers), 3))}{', ...' if len(numbers) > 3 else ''}]"
        )
    parts = []
    for number, entry in zip(numbers, config["tasks"], strict=True):
        train, test = data.task_train == number, data.task_test == number
        own = replace(
            data,
            x_train=data.x_train[train],
            y_train=data.y_train[train],
            x_test=data.x_test[test],
            y_test=data.y_test[test],
        )
        parts.append(Part(f"task {number}", data.name, own, info, entry))
    return parts


def check_alike(parts: Sequence[Part]) -> None:
    """StudyError unless one network can take the samples of all tasks."""
    first = parts[0].data.x_train.shape[1:]
    for place, part in enumerate(parts):
        shape = part.data.x_train.shape[1:]
        if shape != first:
            raise StudyError(
                f"tasks[{place}]: samples of {part.label} have the shape {shape}, those of "
                f"tasks[0] ({parts[0].label}) {first}, and one network takes both. Pictures are "
                f"made alike by image_size and image_colour"
            )
        if bool(part.data.classes) != bool(parts[0].data.classes):
            raise StudyError(
                f"tasks[{place}]: {part.label} is a {_kind(part)}, tasks[0] ({parts[0].label}) a "
                f"{_kind(parts[0])}. Allowed: tasks of one kind"
            )


def _kind(part: Part) -> str:
    return "classification" if part.data.classes else "regression"


def in_one_unit(parts: Sequence[Part]) -> list[Part]:
    """Parts that are stored alike: as they are where type and scale are equal, else as a model
    takes them.
    """
    forms = {(part.data.x_train.dtype.str, part.data.scale) for part in parts}
    if len(forms) == 1:
        return list(parts)

    def scaled(x: np.ndarray, scale: float) -> np.ndarray:
        return x.astype(np.float32) * np.float32(scale)

    return [
        replace(
            part,
            data=replace(
                part.data,
                x_train=scaled(part.data.x_train, part.data.scale),
                x_test=scaled(part.data.x_test, part.data.scale),
                scale=1.0,
            ),
        )
        for part in parts
    ]


def classification_tasks(config: Mapping[str, Any], parts: Sequence[Part]) -> list[Task]:
    """A task for each part, labelled by the place of a class within its task, or with a growing
    head among all classes so far; classes of different origins are different ones.
    """
    picked = [
        class_indices(part.entry, part.data.classes, f"tasks[{place}]", part.info)
        for place, part in enumerate(parts)
    ]
    check_counts(config, parts[0].info, [len(indices) for indices in picked])
    tasks = []
    several = len({part.origin for part in parts}) > 1
    introduced: list[tuple[str, int]] = []
    for place, (part, indices) in enumerate(zip(parts, picked, strict=True)):
        own = [(part.origin, index) for index in indices]
        introduced += [one for one in own if one not in introduced]
        pools = pools_of(config, part.data.y_train, part.data.y_test)
        splits = class_splits(config, part.data, pools, place, indices, indices)
        outputs = len(indices)
        if config["heads"] == "growing":
            table = np.array([introduced.index(one) for one in own])
            splits = {split: (x, table[y]) for split, (x, y) in splits.items()}
            outputs = len(introduced)
        classes = tuple(part.data.classes[index] for index in indices)
        named = tuple(f"{part.label}: {name}" for name in classes) if several else classes
        whole = len(indices) == len(part.data.classes)
        name = part.label if whole else f"{part.label} {','.join(classes)}"
        check_not_empty(splits, place, name)
        tasks.append(Task(name, named, outputs, splits))
    return tasks


def regression_tasks(config: Mapping[str, Any], parts: Sequence[Part]) -> list[Task]:
    """A task for each part, whose targets are floats."""
    widths = [part.data.y_train.shape[1] for part in parts]
    if config["heads"] == "shared" and len(set(widths)) > 1:
        raise StudyError(
            f"tasks: have {widths} targets a sample, but with heads: shared every task needs "
            "equally many; use per_task"
        )
    tasks = []
    for place, part in enumerate(parts):
        if stripped(part.entry) != ALL:
            raise StudyError(
                f"tasks[{place}]: lists classes, and {part.label} holds float targets, a "
                f"regression. Allowed: {ALL}"
            )
        data = part.data
        pairs = ((data.x_train, data.y_train), (data.x_test, data.y_test))
        # A file has the same held-out samples in all tasks that use it.
        tasks.append(regression_task(config, place, part.label, *pairs, pool=0))
    return tasks


def sources_of(parts: Sequence[Part]) -> dict[str, str]:
    """The files that were read, by the label of their data set and their name."""
    return {f"{p.label}: {name}": sha for p in parts for name, sha in p.data.sources.items()}
