"""The Riemann measure: the area under the loss of every task since it was introduced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def riemann_measure(
    loss: NDArray[np.floating], introduced: Sequence[int], delta: ArrayLike
) -> NDArray[np.float64]:
    """Integrate task losses over training, each from its task's introduction on.

    M = sum_k sum_{e >= e_k} L_k(e) * delta_e

    Args:
        loss: task losses without penalty (..., evaluations, tasks).
        introduced: e_k, index of the first evaluation after task k was introduced (tasks,).
        delta: epochs from the evaluation before to each (evaluations,), or one number for all.

    Returns:
        The measure (...), in units of loss times epochs; not finite where a loss that counts is
        not.

    """
    loss = np.asarray(loss, dtype=np.float64)
    if loss.shape[-1] != len(introduced):
        raise ValueError(f"{loss.shape[-1]} tasks in the losses, {len(introduced)} introduced")
    widths = np.broadcast_to(np.asarray(delta, dtype=np.float64), loss.shape[-2])
    per_task = [
        (loss[..., first:, task] * widths[first:]).sum(axis=-1)
        for task, first in enumerate(introduced)
    ]
    total: NDArray[np.float64] = np.sum(per_task, axis=0)
    return total
