"""By what a lambda is chosen (``select_by``): the Riemann measure, or what others report.

All are such that lower is better: of accuracies it is what they lack to 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MEASURE = "measure"
# Each criterion, and how figures, tables and summaries call it.
CRITERIA = {
    MEASURE: "Riemann measure",
    "final_loss": "mean loss after the last task",
    "final_accuracy": "1 - mean accuracy after the last task",
    "average_accuracy": "1 - accuracy averaged over the tasks so far, after each task",
}


def criterion(
    name: str, measure: Floats, loss: Floats, accuracy: Floats, introduced: Sequence[int]
) -> Floats:
    """What a run is judged by (replicates,), not finite where its measure is not.

    Args:
        name: one of `CRITERIA`.
        measure: Riemann measure (replicates,).
        loss: task losses (replicates, evaluations, tasks) from the base model on.
        accuracy: the same of accuracies.
        introduced: index of the first evaluation after each task was introduced (tasks,).

    """
    if name == MEASURE:
        return measure
    if name == "final_loss":
        found = loss[:, -1].mean(axis=-1)
    elif name == "final_accuracy":
        found = 1 - accuracy[:, -1].mean(axis=-1)
    else:
        # The last evaluation of each task, of all tasks up to it (Lopez-Paz and Ranzato 2017, R).
        ends = [*(first - 1 for first in introduced[1:]), accuracy.shape[1] - 1]
        stages = [accuracy[:, end, : task + 1].mean(axis=-1) for task, end in enumerate(ends)]
        found = 1 - np.mean(stages, axis=0)
    return np.where(np.isfinite(measure), found, measure)
