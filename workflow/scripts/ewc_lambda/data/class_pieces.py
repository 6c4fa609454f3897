"""The classes of a study one by one, from which each trial puts its own tasks together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ewc_lambda.data.sources import Dataset, DatasetInfo
from ewc_lambda.data.sources.task_list import class_indices
from ewc_lambda.data.task_splits import Task, check_not_empty, pools_of
from ewc_lambda.errors import StudyError


def class_pieces(config: Mapping[str, Any], data: Dataset, info: DatasetInfo) -> list[Task]:
    """A task for each class that ``tasks`` lists, in the data set's order, with all its samples in
    the order in which they are taken where a task may have so many.
    """
    picked = [
        class_indices(entry, data.classes, f"tasks[{place}]", info)
        for place, entry in enumerate(config["tasks"])
    ]
    indices = [index for task in picked for index in task]
    twice = {data.classes[index] for index in indices if indices.count(index) > 1}
    if twice:
        raise StudyError(
            f"tasks: list the class {min(twice)!r} more than once, and with task_order "
            f"drawn_classes each class goes to one task. Allowed: different classes"
        )
    pools = pools_of(config, data.y_train, data.y_test)
    pieces = []
    for place, index in enumerate(sorted(indices)):
        splits = {}
        for split, (where, ranks) in pools.items():
            x, y = (data.x_test, data.y_test) if split == "test" else (data.x_train, data.y_train)
            own = where[y[where] == index]
            own = own[np.argsort(ranks[own], kind="stable")]
            splits[split] = (x[own], np.zeros(len(own), dtype=np.int64))
        name = data.classes[index]
        check_not_empty(splits, place, name)
        pieces.append(Task(name, (name,), 1, splits))
    return pieces
