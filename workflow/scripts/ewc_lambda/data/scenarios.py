"""A scenario: the sequence of tasks, each with its training, validation and test split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ewc_lambda.data.sources import DATASETS, Dataset, DatasetInfo
from ewc_lambda.data.sources.functions import function_names, sample
from ewc_lambda.data.sources.npz_labels import whole_numbers
from ewc_lambda.data.sources.splits import at_most, class_ranks, held_out
from ewc_lambda.data.sources.task_list import ALL, check_counts, class_indices, stripped
from ewc_lambda.data.sources.transforms import permute, rotate
from ewc_lambda.errors import StudyError
from ewc_lambda.seeding import data_generator

Splits = dict[str, tuple[np.ndarray, np.ndarray]]
Pools = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Task:
    """One task. ``classes`` are its own, in order, and empty for a regression.

    ``outputs`` is the number of logits (or targets) when this task is learned: its own classes,
    or with a growing head all classes introduced so far. ``splits`` maps "train", "validation"
    and "test" to (x, y); x keeps the storage type of the data set, y is int64 (N,) or, for a
    regression, float32 (N, D).
    """

    name: str
    classes: tuple[str, ...]
    outputs: int
    splits: Splits


@dataclass(frozen=True)
class Scenario:
    """All tasks in order. ``kind`` is classification or regression; ``input_shape`` is (C, H, W) or
    (F,); a model takes x times ``scale``; ``sources`` maps each file that was read to its SHA-256;
    ``notes`` are those of the data set.
    """

    tasks: tuple[Task, ...]
    kind: str
    input_shape: tuple[int, ...]
    scale: float
    sources: dict[str, str]
    notes: tuple[str, ...] = ()


def build_scenario(config: Mapping[str, Any]) -> Scenario:
    """Read or sample the data set of a study and make its tasks.

    Labels are the index of a class within its task (heads per_task and shared) or among all
    classes in order of first introduction (growing). Which samples are held out or left out
    depends on the seed and the data set alone. ``config`` is one that was checked. Raises
    StudyError for a file that does not serve, and for a task with no samples in a split.
    """
    info = DATASETS[config["dataset"]]
    if info.task == "names":
        return _own_scenario(config)
    if info.load is None:
        return _function_scenario(config)
    data = info.load(config)
    if not data.classes:
        return _regression_scenario(config, data)
    return _classification_scenario(config, data, info)


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
    pools = _pools(config, data.y_train, data.y_test)
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
        splits = _class_splits(config, seen, pools, place, classes, order)
        _check_not_empty(splits, place, name)
        task_classes = tuple(data.classes[index] for index in classes)
        tasks.append(Task(name, task_classes, len(order), splits))
    return _scenario(tasks, "classification", data)


def _columns(data: Dataset, indices: list[int]) -> Dataset:
    """The data set with some of its features."""
    return replace(data, x_train=data.x_train[:, indices], x_test=data.x_test[:, indices])


def _class_splits(
    config: Mapping[str, Any],
    data: Dataset,
    pools: Pools,
    place: int,
    classes: list[int],
    order: list[int],
) -> Splits:
    """The samples of a task's classes, labelled by the place of a class in ``order``."""
    splits = {}
    for split, (where, ranks) in pools.items():
        x, y = (data.x_test, data.y_test) if split == "test" else (data.x_train, data.y_train)
        taken = _take(where, ranks, y, classes, _limit(config, split))
        splits[split] = (_transformed(config, x[taken], place), _relabel(y[taken], order))
    return splits


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


def _transformed(config: Mapping[str, Any], x: np.ndarray, place: int) -> np.ndarray:
    if config["transform"] == "permuted" and place > 0:
        return permute(x, data_generator(config["seed"], "transform", place))
    if config["transform"] == "rotated":
        return rotate(x, config["rotations"][place])
    return x


def _limit(config: Mapping[str, Any], split: str) -> int | None:
    limit: int | None = config["samples_per_task" if split == "train" else f"{split}_samples"]
    return limit


def _pools(
    config: Mapping[str, Any], y_train: np.ndarray, y_test: np.ndarray, task: int = 0
) -> Pools:
    """Per split: the indices of its samples, and the rank of every sample of its file."""
    # Two permutations of one leaf, drawn one after the other: training samples, test samples.
    generator = data_generator(config["seed"], "split", task)
    ranks = class_ranks(y_train, generator)
    validation = held_out(y_train, ranks, config["validation_fraction"])
    return {
        "train": (np.flatnonzero(~validation), ranks),
        "validation": (np.flatnonzero(validation), ranks),
        "test": (np.arange(len(y_test)), class_ranks(y_test, generator)),
    }


def _take(
    where: np.ndarray, ranks: np.ndarray, y: np.ndarray, classes: list[int], limit: int | None
) -> np.ndarray:
    """Indices of at most ``limit`` samples of ``classes`` among the samples ``where``."""
    member = np.zeros(int(y.max(initial=0)) + max(classes) + 1, dtype=bool)
    member[classes] = True
    candidates = where[member[y[where]]]
    taken: np.ndarray = candidates[at_most(y[candidates], ranks[candidates], limit)]
    return taken


def _relabel(y: np.ndarray, order: list[int]) -> np.ndarray:
    table = np.full(max(order) + 1, -1, dtype=np.int64)
    table[order] = np.arange(len(order))
    labels: np.ndarray = table[y]
    return labels


def _check_not_empty(splits: Splits, place: int, name: str) -> None:
    advice = {
        "train": "lower validation_fraction or raise samples_per_task",
        "validation": "raise validation_fraction or validation_samples",
        "test": "raise test_samples, or choose classes that have test samples",
    }
    for split, (x, _) in splits.items():
        if len(x) == 0:
            raise StudyError(
                f"tasks[{place}] ({_cut(name)}): has no samples in its {split} split; "
                f"{advice[split]}"
            )


def _cut(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:59]}…"


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
        tasks.append(_regression_task(config, place, name, pairs["train"], pairs["test"]))
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
    if config["heads"] == "growing" or config["transform"] != "none":
        raise StudyError(
            f"heads, transform: a regression ({data.name}) takes per_task or shared, and none"
        )
    pairs = ((data.x_train, data.y_train), (data.x_test, data.y_test))
    task = _regression_task(config, 0, data.name, *pairs)
    return _scenario([task], "regression", data)


def _regression_task(
    config: Mapping[str, Any],
    place: int,
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> Task:
    # Without classes all samples are of one kind, and the same selection serves.
    kinds = {"train": np.zeros(len(train[1]), np.int64), "test": np.zeros(len(test[1]), np.int64)}
    splits = {}
    for split, (where, ranks) in _pools(config, kinds["train"], kinds["test"], place).items():
        x, y = test if split == "test" else train
        kind = kinds["test" if split == "test" else "train"]
        taken = _take(where, ranks, kind, [0], _limit(config, split))
        splits[split] = (x[taken], y[taken])
    _check_not_empty(splits, place, name)
    return Task(name, (), train[1].shape[1], splits)


def _scenario(tasks: list[Task], kind: str, data: Dataset) -> Scenario:
    notes = (*data.notes, *_absent(tasks))
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


def _shape(tasks: list[Task]) -> tuple[int, ...]:
    return tasks[0].splits["train"][0].shape[1:]
