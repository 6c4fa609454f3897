"""The field's metrics, as functions of the matrix of accuracies.

R[i, j] is the accuracy on task j once task i has been trained (Lopez-Paz and Ranzato 2017, sec.
3); leading dimensions, such as replicates, are kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def accuracy_matrix(accuracy: Array, evaluations_per_task: int) -> Array:
    """R (..., tasks, tasks) from the accuracies (..., evaluations, tasks) of a whole run, whose
    first evaluation is that of the base model.
    """
    ends = evaluations_per_task * np.arange(1, accuracy.shape[-1] + 1)
    return np.asarray(accuracy, dtype=np.float64)[..., ends, :]


def average_accuracy(matrix: Array) -> Array:
    """Mean accuracy over all tasks after the last (...)."""
    return matrix[..., -1, :].mean(axis=-1)


def forgetting(matrix: Array) -> Array:
    """Mean over all tasks but the last of the *maximum* accuracy ever seen before the last task
    minus the last one (Chaudhry et al. 2018, eq. 3): (...). With one task there is nothing to
    forget: nan.
    """
    tasks = matrix.shape[-1]
    if tasks < 2:
        return np.full(matrix.shape[:-2], np.nan)
    # Task j counts from its own training on.
    lost = [matrix[..., j:-1, j].max(axis=-1) - matrix[..., -1, j] for j in range(tasks - 1)]
    return np.mean(lost, axis=0)


def backward_transfer(matrix: Array) -> Array:
    """Mean over all tasks but the last of the last accuracy minus the one right after the task
    itself (Lopez-Paz and Ranzato 2017, eq. 3): (...); nan with one task.
    """
    tasks = matrix.shape[-1]
    if tasks < 2:
        return np.full(matrix.shape[:-2], np.nan)
    own = np.diagonal(matrix, axis1=-2, axis2=-1)[..., :-1]
    return (matrix[..., -1, :-1] - own).mean(axis=-1)


def forward_transfer(matrix: Array, untrained: Array) -> Array:
    """Mean over all tasks but the first of the accuracy just before the task minus that of the
    base model, ``untrained`` (..., tasks) (Lopez-Paz and Ranzato 2017, eq. 4): (...); nan with
    one task.
    """
    tasks = matrix.shape[-1]
    if tasks < 2:
        return np.full(matrix.shape[:-2], np.nan)
    before = np.stack([matrix[..., k - 1, k] for k in range(1, tasks)], axis=-1)
    return (before - untrained[..., 1:]).mean(axis=-1)
