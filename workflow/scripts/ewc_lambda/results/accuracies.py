"""What the field looks at first, of every run of a study: average accuracy, and forgetting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.inference.metrics import accuracy_matrix, average_accuracy, forgetting
from ewc_lambda.results.study_file import Study

Floats = NDArray[np.float64]


def accuracy_and_forgetting(study: Study, table: str, row: int) -> tuple[Floats, Floats]:
    """Average accuracy over all tasks after the last one, and forgetting, both (replicates,) and on
    the selection split, of a row of ``steps`` or ``references``. Shares, from 0 to 1; nan where
    there is none: in a regression, without recorded curves, and of forgetting with one task.
    """
    if "accuracy" not in study.tables[table]:
        nothing = np.full(study.replicates(table)[row], np.nan)
        return nothing, nothing
    matrix = accuracy_matrix(study.curves(table, row, "accuracy"), study.evaluations_per_task)
    return average_accuracy(matrix), forgetting(matrix)
