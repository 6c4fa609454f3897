"""What every data set is once it has been read, and what is known of it before that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ewc_lambda.errors import StudyError

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Dataset:
    """A data set in memory.

    Pictures are (N, C, H, W), uint8 or float32; tables are (N, F) float32. Labels are int64
    (N,), an index into ``classes``; targets of a regression are float32 (N, D) and ``classes``
    is empty. ``scale`` times x is what a model takes. ``sources`` maps the name of each file
    that was read to its SHA-256. ``notes`` are sentences on what was read that its owner should
    know of: what was left out, or is not as a network would have it. ``task_train`` and
    ``task_test`` (N,), where the samples say it themselves, are the tasks that they are of.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: tuple[str, ...]
    scale: float
    sources: dict[str, str]
    notes: tuple[str, ...] = ()
    task_train: np.ndarray | None = None
    task_test: np.ndarray | None = None


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name, its SHA-256 in hexadecimal, and addresses in order of trial."""

    name: str
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set without reading it.

    ``task`` says what an entry of the config key ``tasks`` lists: classes, features (columns), one
    function, or its name alone. ``classes`` is None where only the files tell. ``images`` is None
    where only the file tells whether a sample is a picture. ``needs`` are config keys that this
    data set cannot do without. ``load`` is None for functions, which are sampled and not read.
    ``find``, of a data set that nobody can download, raises StudyError where its files are not
    there.
    ``labels`` names the array whose whole numbers are the classes, where there is one.
    ``digests`` gives the ``sources`` of a user's own files without reading what is in them.
    """

    name: str
    task: Literal["classes", "features", "function", "names"]
    load: Callable[[Config], Dataset] | None
    classes: tuple[str, ...] | None = None
    features: tuple[str, ...] = ()
    images: bool | None = True
    files: tuple[RemoteFile, ...] = ()
    needs: tuple[str, ...] = ()
    find: Callable[[Config], Path] | None = None
    labels: str | None = None
    digests: Callable[[Config], dict[str, str]] | None = None


def check_labels(labels: np.ndarray, classes: int, source: str, first: int = 0) -> np.ndarray:
    """Integer ``labels`` (N,) that count from ``first``, as int64 that count from 0.

    Raises StudyError, which names ``source``, if one is outside first..first+classes-1.
    """
    last = first + classes - 1
    outside = (labels < first) | (labels > last)
    if outside.any():
        raise StudyError(
            f"{source}: label {labels[outside][0]} is out of range, allowed are {first} to {last}"
        )
    return labels.astype(np.int64) - first


def check_lengths(x: np.ndarray, y: np.ndarray, source: str) -> None:
    """StudyError unless ``x`` and ``y`` hold equally many samples, and at least one."""
    if len(x) != len(y):
        raise StudyError(f"{source}: {len(x)} samples but {len(y)} labels, they must be as many")
    if len(x) == 0:
        raise StudyError(f"{source}: holds no samples")


def check_count(found: int, published: int, source: str) -> None:
    """StudyError, which names ``source``, unless it holds as many pictures as were published."""
    if found != published:
        raise StudyError(
            f"{source}: {found} pictures, where the published files have {published}: a part, or "
            "of another data set; data set npz takes arrays of your own"
        )


def listed(names: Iterable[object], limit: int = 30) -> str:
    """The names for a message, separated by commas, cut short after ``limit``."""
    written = [str(name) for name in names]
    tail = f", ... ({len(written)} in all)" if len(written) > limit else ""
    return ", ".join(written[:limit]) + tail


def spanned(numbers: Sequence[int]) -> str:
    """Rising whole numbers for a message: 1 to 4 where none is left out, else each."""
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]} to {numbers[-1]}"
    return listed(numbers)
