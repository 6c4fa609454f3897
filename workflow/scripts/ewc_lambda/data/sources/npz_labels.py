"""What the labels of an .npz file are: classes, targets of a regression, or neither."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ewc_lambda.data.sources.base import spanned
from ewc_lambda.errors import StudyError

# So many labels may be classes however few samples there are.
_FEW = 20

Targets = tuple[np.ndarray, np.ndarray, tuple[str, ...]]


def targets(train: np.ndarray, test: np.ndarray, path: Path) -> Targets:
    """y_train and y_test as they are trained on, and the names of the classes.

    Whole numbers (N,) or (N, 1) become int64 (N,), an index into the classes, which are the labels
    that occur in ``train``, in rising order. Floats (N,) or (N, D) are float32 (N, D) and have no
    classes.

    Raises StudyError, which names ``path`` and says how to save them, for anything else.
    """
    pair = {"y_train": train, "y_test": test}
    for name, y in pair.items():
        _check_kind(y, f"{path}: {name}", name)
    if train.dtype.kind != test.dtype.kind and "f" in (train.dtype.kind, test.dtype.kind):
        raise StudyError(
            f"{path}: y_train ({train.dtype}) and y_test ({test.dtype}) must both be whole "
            "numbers (classes) or both floats (regression)"
        )
    if train.dtype.kind == "f":
        return _regression(train, test, path)
    flat = [_flat(y, f"{path}: {name}", name) for name, y in pair.items()]
    labels = np.unique(flat[0])
    if labels.size > _FEW and 2 * labels.size > len(flat[0]):
        raise StudyError(
            f"{path}: y_train: has {labels.size} labels in {len(flat[0])} samples, too many for "
            "classes; save targets of a regression as floats, y_train.astype(float)"
        )
    strange = flat[1][~np.isin(flat[1], labels)]
    if strange.size:
        raise StudyError(
            f"{path}: y_test: label {strange[0]} is not in y_train, whose labels are "
            f"{spanned(labels.tolist())}"
        )
    found = [np.searchsorted(labels, y).astype(np.int64) for y in flat]
    return found[0], found[1], tuple(map(str, labels.tolist()))


def whole_numbers(y: np.ndarray) -> bool:
    """Whether float targets (N, 1) are all whole numbers, as labels saved as floats are."""
    return y.shape[1:] == (1,) and bool((y == np.rint(y)).all())


def float32(values: np.ndarray, source: str) -> np.ndarray:
    """Numbers as float32; StudyError, which names ``source``, where one is not finite."""
    if values.dtype.kind not in "fiub":
        raise StudyError(f"{source}: holds {values.dtype}, expected numbers")
    # What is beyond float32 becomes infinite and is reported below like any other.
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)
    finite = np.isfinite(numbers)
    if not finite.all():
        place = tuple(int(index) for index in np.argwhere(~finite)[0])
        raise StudyError(
            f"{source}: {np.count_nonzero(~finite)} values are NaN or infinite, the first at "
            f"{place}; every value must be finite"
        )
    return numbers


def _check_kind(y: np.ndarray, source: str, name: str) -> None:
    if y.dtype.kind in "US":
        raise StudyError(
            f"{source}: holds text; save whole numbers in its place, as "
            f"numpy.unique({name}, return_inverse=True)[1] gives them"
        )
    if y.dtype.kind not in "iuf":
        raise StudyError(f"{source}: holds {y.dtype}; save it as integers, {name}.astype(int)")
    if y.ndim == 2 and _is_one_hot(y):
        raise StudyError(f"{source}: has shape {y.shape} and is one-hot; save {name}.argmax(1)")


def _is_one_hot(y: np.ndarray) -> bool:
    return (
        y.shape[1] > 1
        and len(y) > 0
        and bool(((y == 1).sum(1) == 1).all() & ((y == 0) | (y == 1)).all())
    )


def _flat(y: np.ndarray, source: str, name: str) -> np.ndarray:
    flat = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if flat.ndim != 1:
        raise StudyError(
            f"{source}: has shape {y.shape}, labels must be (N,): one class for each sample"
        )
    negative = flat[flat < 0]
    if negative.size:
        raise StudyError(
            f"{source}: label {negative[0]} is below 0; leave samples without a class out, and "
            f"save classes as whole numbers from 0 on"
        )
    return flat


def _regression(train: np.ndarray, test: np.ndarray, path: Path) -> Targets:
    y_train, y_test = (
        float32(y[:, None] if y.ndim == 1 else y, f"{path}: {name}")
        for y, name in ((train, "y_train"), (test, "y_test"))
    )
    if y_train.ndim != 2 or y_test.shape[1:] != y_train.shape[1:]:
        raise StudyError(
            f"{path}: y_train {train.shape} and y_test {test.shape} must both be (N,) or (N, D)"
        )
    return y_train, y_test, ()
