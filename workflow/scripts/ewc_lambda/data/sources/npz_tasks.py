"""Which task each sample of an .npz file is of, where the file says it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ewc_lambda.data.sources.base import listed, spanned
from ewc_lambda.errors import StudyError

_NAMES = ("task_train", "task_test")


def task_numbers(
    arrays: Mapping[str, np.ndarray], counts: tuple[int, int], path: Path
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The arrays task_train and task_test, as int64 (N,) of the ``counts`` of samples; None for
    both where the file has neither.

    Raises:
        StudyError: names the file, the array and what is wrong: one of the two alone, another
            length, no whole numbers, numbers that do not follow each other from 0 or 1 on, or
            that differ between the two.

    """
    given = [name for name in _NAMES if name in arrays]
    if not given:
        return None, None
    if len(given) == 1:
        missing = _NAMES[given == ["task_train"]]
        raise StudyError(f"{path}: has {given[0]} and no {missing}; tasks need both")
    found = [
        _whole(arrays[n], count, f"{path}: {n}") for n, count in zip(_NAMES, counts, strict=True)
    ]
    train, test = (np.unique(numbers) for numbers in found)
    if train[0] not in (0, 1) or not np.array_equal(train, np.arange(len(train)) + train[0]):
        raise StudyError(
            f"{path}: task_train: has the numbers {listed(train.tolist())}; tasks count from 0 or "
            f"1 on, without gaps"
        )
    if not np.array_equal(train, test):
        raise StudyError(
            f"{path}: task_test: has the tasks {spanned(test.tolist())} and task_train "
            f"{spanned(train.tolist())}; each task needs samples in both"
        )
    return found[0], found[1]


def _whole(numbers: np.ndarray, count: int, source: str) -> np.ndarray:
    if numbers.shape != (count,):
        raise StudyError(
            f"{source}: has shape {numbers.shape}, expected ({count},): the task of each sample"
        )
    if numbers.dtype.kind not in "iu":
        raise StudyError(f"{source}: holds {numbers.dtype}, expected whole numbers from 0 on")
    return numbers.astype(np.int64)
