"""The samples of one task: which of a data set's are for training, validation and test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ewc_lambda.data.sources import Dataset
from ewc_lambda.data.sources.splits import at_most, class_ranks, held_out
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


def class_splits(
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
        taken = _take(where, ranks, y, classes, limit_of(config, split))
        splits[split] = (_transformed(config, x[taken], place), _relabel(y[taken], order))
    return splits


def _transformed(config: Mapping[str, Any], x: np.ndarray, place: int) -> np.ndarray:
    if config["transform"] == "permuted" and place > 0:
        return permute(x, data_generator(config["seed"], "transform", place))
    if config["transform"] == "rotated":
        return rotate(x, config["rotations"][place])
    return x


def limit_of(config: Mapping[str, Any], split: str) -> int | None:
    """How many samples of a split a task may have at most; None for all."""
    limit: int | None = config["samples_per_task" if split == "train" else f"{split}_samples"]
    return limit


def pools_of(
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


def check_not_empty(splits: Splits, place: int, name: str) -> None:
    """StudyError, which says what to do, for a task with no samples in a split."""
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


def regression_task(
    config: Mapping[str, Any],
    place: int,
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    pool: int | None = None,
) -> Task:
    """A task of a regression, from its pairs (x, y) for training and test. ``pool`` numbers the
    draw of what is held out: by default the task's place.
    """
    # Without classes all samples are of one kind, and the same selection serves.
    kinds = {"train": np.zeros(len(train[1]), np.int64), "test": np.zeros(len(test[1]), np.int64)}
    splits = {}
    drawn = pools_of(config, kinds["train"], kinds["test"], place if pool is None else pool)
    for split, (where, ranks) in drawn.items():
        x, y = test if split == "test" else train
        kind = kinds["test" if split == "test" else "train"]
        taken = _take(where, ranks, kind, [0], limit_of(config, split))
        splits[split] = (x[taken], y[taken])
    check_not_empty(splits, place, name)
    return Task(name, (), train[1].shape[1], splits)
