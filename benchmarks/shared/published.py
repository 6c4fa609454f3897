"""The published set-up as a problem of ours: the original's network, two tasks of three digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.prepared import Prepared, TaskInfo
from ewc_lambda.data.scenarios import Scenario, build_scenario
from ewc_lambda.errors import StudyError

BATCH = 32
EPOCHS = 10
LAMBDA = 15.0


def published(folder: str, epochs: int, importance_samples: int | None) -> dict[str, Any]:
    return resolve(
        {
            "dataset": "mnist",
            "data_folder": folder,
            "tasks": [[0, 1, 2], [3, 4, 5]],
            "validation_fraction": 0.1,
            "selection_split": "test",
            "model": "original_cnn",
            "loss": "binary_cross_entropy",
            "epochs": epochs,
            "batch_size": BATCH,
            "replicates": 1,
            "randomness": "independent",
            "importance_samples": importance_samples,
            "spacing": "linear",
            "low_range": [0, 0],
            "high_range": [10, 20],
        }
    )


def prepare(config: dict[str, Any], share: float) -> tuple[Prepared, str]:
    """A share of the training and test samples of each task, and what they are."""
    try:
        scenario = build_scenario(config)
    except StudyError as error:
        print(f"no MNIST ({error}); random images of the same shape instead")
        return synthetic(share), "random images"
    return as_prepared(scenario, share), "MNIST"


def as_prepared(scenario: Scenario, share: float = 1) -> Prepared:
    """The first samples of each split of a scenario, as a data file would hold them."""
    tasks = tuple(TaskInfo(task.name, task.outputs) for task in scenario.tasks)
    splits = [
        {
            name: (x[: round(share * len(x))], y[: round(share * len(y))])
            for name, (x, y) in task.splits.items()
        }
        for task in scenario.tasks
    ]
    return Prepared(tasks, scenario.kind, scenario.input_shape, scenario.scale, splits, "")


def synthetic(share: float) -> Prepared:
    rng = np.random.default_rng(1)

    def split(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (n, 1, 28, 28), dtype=np.uint8), rng.integers(0, 3, n)

    sizes = {"train": 16000, "validation": 1800, "test": 3000}
    splits = [{name: split(round(share * n)) for name, n in sizes.items()} for _ in range(2)]
    tasks = tuple(TaskInfo(name, 3) for name in ("0", "1"))
    return Prepared(tasks, "classification", (1, 28, 28), 1 / 255, splits, "")
