"""A scenario: the sequence of tasks, each with its training, validation and test split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ewc_lambda.data import mixed
from ewc_lambda.data.class_pieces import class_pieces
from ewc_lambda.data.pictures import fitted
from ewc_lambda.data.sources import DATASETS, Dataset, DatasetInfo
from ewc_lambda.data.sources.functions import function_names, sample
from ewc_lambda.data.sources.mixed_tasks import is_mixed
from ewc_lambda.data.sources.npz_labels import whole_numbers
from ewc_lambda.data.sources.task_list import ALL, check_counts, class_indices, stripped
from ewc_lambda.data.standard import Standard, statistics
from ewc_lambda.data.task_splits import (
    Task,
    check_not_empty,
    class_splits,
    pools_of,
    regression_task,
)
from ewc_lambda.errors import StudyError
from ewc_lambda.seeding import data_generator


@dataclass(frozen=True)
class Scenario:
    """All tasks in order. ``kind`` is classification or regression; ``input_shape`` is (C, H, W) or
    (F,); a model takes x times ``scale``, standardized by ``standard`` where there is one;
    ``sources`` maps each file that was read to its SHA-256; ``notes`` are those of the data set.
    Where each trial draws its own order, the tasks are the pieces of it, and ``names`` are those
    that the tasks have in results.
    """

    tasks: tuple[Task, ...]
    kind: str
    input_shape: tuple[int, ...]
    scale: float
    sources: dict[str, str]
    notes: tuple[str, ...] = ()
    standard: Standard | None = None
    names: tuple[str, ...] = ()


def build_scenario(config: Mapping[str, Any]) -> Scenario:
    """Read or sample the data set of a study and make its tasks.

    Labels are the index of a class within its task (heads per_task and shared) or among all
    classes in order of first introduction (growing). Which samples are held out or left out
    depends on the seed and the data set alone. ``config`` is one that was checked. Raises
    StudyError for a file that does not serve, and for a task with no samples in a split.
    """
    order = config.get("task_order", "given")
    # A trial that draws its tasks labels them itself.
    heads = config["heads"] if order == "given" else "per_task"
    scenario = _read_scenario({**config, "heads": heads})
    if config.get("standardize"):
        first = scenario.tasks[:1]
        if order == "drawn_classes":
            # Single classes are stored, and the task that is listed first has several.
            first = _read_scenario({**config, "tasks": config["tasks"][:1]}).tasks
        x = np.concatenate([task.splits["train"][0] for task in first])
        scenario = replace(scenario, standard=statistics(x, scenario.scale))
    if order != "given":
        names = tuple(f"task {place} (drawn)" for place in range(len(config["tasks"])))
        scenario = replace(scenario, names=names)
    return scenario


def _read_scenario(config: Mapping[str, Any]) -> Scenario:
    info = DATASETS[config["dataset"]]
    if is_mixed(config):
        return _mixed_scenario(config, mixed.parts_of_sources(config))
    if info.task == "names":
        return _own_scenario(config)
    if info.load is None:
        return _function_scenario(config)
    data = fitted(config, info.load(config))
    if data.task_train is not None:
        return _mixed_scenario(config, mixed.parts_of_file(config, data, info), data.sources)
    if not data.classes:
        return _regression_scenario(config, data)
    if config.get("task_order") == "drawn_classes":
        return _scenario(class_pieces(config, data, info), "classification", data)
    return _classification_scenario(config, data, info)


def _mixed_scenario(
    config: Mapping[str, Any], parts: list[mixed.Part], sources: dict[str, str] | None = None
) -> Scenario:
    mixed.check_alike(parts)
    parts = mixed.in_one_unit(parts)
    for part in parts:
        _check_pictures(config, part.data)
    classes = bool(parts[0].data.classes)
    if not classes:
        _check_regression(config, "tasks")
    tasks = (mixed.classification_tasks if classes else mixed.regression_tasks)(config, parts)
    notes = dict.fromkeys(note for part in parts for note in part.data.notes)
    return Scenario(
        tuple(tasks),
        "classification" if classes else "regression",
        _shape(tasks),
        parts[0].data.scale,
        mixed.sources_of(parts) if sources is None else sources,
        (*notes, *_absent(tasks)),
    )


def _classification_scenario(
    config: Mapping[str, Any], data: Dataset, info: DatasetInfo
) -> Scenario:
    _check_pictures(config, data)
    names = data.classes if info.task == "classes" else info.features
    picked = [
        class_indices(entry, names, f"tasks[{place}]", info)
        for place, entry in enumerate(config["tasks"])
    ]
    check_counts(config, info, [len(indices) for indices in picked])
    pools = pools_of(config, data.y_train, data.y_test)
    tasks = []
    introduced: list[int] = []
    for place, indices in enumerate(picked):
        if info.task == "classes":
            classes, seen = indices, data
        else:
            classes, seen = list(range(len(data.classes))), _columns(data, indices)
        introduced += [index for index in classes if index not in introduced]
        order = introduced if config["heads"] == "growing" else classes
        name = _name(config, place, [names[index] for index in indices])
        splits = class_splits(config, seen, pools, place, classes, order)
        check_not_empty(splits, place, name)
        task_classes = tuple(data.classes[index] for index in classes)
        tasks.append(Task(name, task_classes, len(order), splits))
    return _scenario(tasks, "classification", data)


def _columns(data: Dataset, indices: list[int]) -> Dataset:
    """The data set with some of its features."""
    return replace(data, x_train=data.x_train[:, indices], x_test=data.x_test[:, indices])


def _check_pictures(config: Mapping[str, Any], data: Dataset) -> None:
    if config["transform"] != "none" and data.x_train.ndim != 4:
        raise StudyError(
            f"transform: {config['transform']} needs pictures, but samples of {data.name} have "
            f"the shape {data.x_train.shape[1:]}"
        )


def _name(config: Mapping[str, Any], place: int, listed_names: list[str]) -> str:
    name = ",".join(listed_names)
    if config["transform"] == "none":
        return name
    label = f"permutation {place}"
    if config["transform"] == "rotated":
        label = f"rotation {config['rotations'][place]:g}"
    same = all(entry == config["tasks"][0] for entry in config["tasks"])
    return label if same else f"{name} {label}"


def _own_scenario(config: Mapping[str, Any]) -> Scenario:
    """Tasks by their names, without samples."""
    nothing = np.empty((0, 1), np.float32), np.empty(0, np.int64)
    splits = dict.fromkeys(("train", "validation", "test"), nothing)
    tasks = tuple(Task(str(name), (), 1, splits) for name in config["tasks"])
    return Scenario(tasks, "classification", (1,), 1.0, {})


def _function_scenario(config: Mapping[str, Any]) -> Scenario:
    tasks = []
    for place, name in enumerate(function_names(config["tasks"])):
        pairs = sample(
            config["tasks"][place], config, data_generator(config["seed"], "samples", place)
        )
        tasks.append(regression_task(config, place, name, pairs["train"], pairs["test"]))
    return Scenario(tuple(tasks), "regression", _shape(tasks), 1.0, {})


def _regression_scenario(config: Mapping[str, Any], data: Dataset) -> Scenario:
    if [stripped(entry) for entry in config["tasks"]] != [ALL]:
        hint = ""
        if whole_numbers(data.y_train):
            hint = "; if they are classes, save them as integers: y_train.astype(int)"
        raise StudyError(
            f"tasks: {data.name} holds float targets, a regression, which is one task: [{ALL}]"
            f"{hint}"
        )
    _check_regression(config, data.name)
    pairs = ((data.x_train, data.y_train), (data.x_test, data.y_test))
    task = regression_task(config, 0, data.name, *pairs)
    return _scenario([task], "regression", data)


def _check_regression(config: Mapping[str, Any], name: str) -> None:
    if config["heads"] == "growing" or config["transform"] != "none":
        raise StudyError(
            f"heads, transform: a regression ({name}) takes per_task or shared, and none"
        )


def _scenario(tasks: list[Task], kind: str, data: Dataset) -> Scenario:
    notes = (*data.notes, *_absent(tasks), *_unchanged(tasks))
    return Scenario(tuple(tasks), kind, _shape(tasks), data.scale, data.sources, notes)


def _absent(tasks: list[Task]) -> Iterator[str]:
    """Notes on classes that have no sample in a split, as those with one sample have."""
    for place, task in enumerate(tasks):
        for split, (_, y) in task.splits.items():
            count = len(task.classes) - len(np.unique(y)) if task.classes else 0
            if count > 0:
                yield (
                    f"tasks[{place}]: {count} of {len(task.classes)} classes without a sample in "
                    f"the {split} split"
                )


def _unchanged(tasks: list[Task]) -> Iterator[str]:
    """Notes on tasks that are the one before again, sample for sample."""
    for place, (before, task) in enumerate(pairwise(tasks), start=1):
        pairs = (before.splits["train"], task.splits["train"])
        if task.classes and all(np.array_equal(*both) for both in zip(*pairs, strict=True)):
            yield f"tasks[{place}]: is tasks[{place - 1}] once more, which leaves nothing to forget"


def _shape(tasks: list[Task]) -> tuple[int, ...]:
    return tasks[0].splits["train"][0].shape[1:]
