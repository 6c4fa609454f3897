"""Scenarios that cannot be: one message that names the key or the task, without files where none
are needed.
"""

import numpy as np
import pytest
from made_up_scenarios import DEFAULTS, build, config

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.data.sources.task_list import validate_tasks
from ewc_lambda.errors import StudyError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": [[0], []]}, r"tasks\[1\]: must be a list of at least one class"),
        ({"tasks": [[0, 1], 2]}, r"tasks\[1\]: must be a list"),
        ({"tasks": [[0, 10]]}, r"tasks\[0\]: 10 is not a class of digits, which has 0, 1, .*9"),
        ({"tasks": [[-1]]}, r"tasks\[0\]: -1 is not a class"),
        ({"tasks": [["zero"]]}, r"tasks\[0\]: 'zero' is not a class"),
        ({"tasks": [[True]]}, r"tasks\[0\]: True is neither the name nor the number"),
        ({"tasks": [[1.5]]}, r"tasks\[0\]: 1.5 is neither"),
        ({"tasks": [[0, 1], [2, 3, 2]]}, r"tasks\[1\]: lists the class '2' twice"),
        ({"tasks": [[1, "1"]]}, r"tasks\[0\]: lists the class '1' twice"),
        ({"tasks": [[0, 1], [2]], "heads": "shared"}, "tasks: have 2, 1 classes.*heads: shared"),
        ({"tasks": ["all", [2]], "heads": "shared"}, "tasks: have 10, 1 classes"),
        ({"dataset": "iris", "tasks": [["length"]]}, "'length' is not a feature of iris"),
        (
            {"dataset": "iris", "tasks": [["sepal width"], [0, 1]]},
            "tasks: list 1, 2 features.*equally many",
        ),
        ({"dataset": "iris", "tasks": ["all"], "transform": "permuted"}, "transform: .*pictures"),
        ({"transform": "rotated"}, "rotations: must list one angle .* 2 tasks"),
        ({"transform": "rotated", "rotations": [0]}, "rotations: must list one angle"),
        ({"dataset": "image_folder"}, "image_size: must be set"),
        ({"dataset": "npz", "npz_file": None}, "npz_file: must be set"),
        (
            {"dataset": "image_folder", "image_size": 8, "tasks": [["cat", "cat"]]},
            r"tasks\[0\]: lists a class twice",
        ),
        ({"dataset": "function", "tasks": [{"family": "x"}]}, r"tasks\[0\]: unknown family"),
        (
            {"dataset": "function", "tasks": [{"family": "sine"}], "heads": "growing"},
            "heads: growing needs classes",
        ),
        (
            {"dataset": "function", "tasks": [{"family": "sine"}], "function_interval": [1, 1]},
            r"function_interval: low \(1\) must be below high \(1\)",
        ),
    ],
)
def test_bad_config_is_found_without_reading_data(changes, message):
    with pytest.raises(StudyError, match=message):
        validate_tasks(config(**changes))
    loss = "mean_squared_error" if changes.get("dataset") == "function" else DEFAULTS["loss"]
    with pytest.raises(StudyError, match=message):
        resolve(config(**changes, loss=loss))


def test_a_string_that_is_no_name_is_no_number_either():
    with pytest.raises(StudyError, match=r"tasks\[0\]: '3' is not a class of cifar10"):
        validate_tasks(config(dataset="cifar10", tasks=[["3"]]))


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist", "cifar10", "stl10"])
def test_valid_config_needs_no_files(dataset):
    validate_tasks(config(dataset=dataset))


def test_classes_known_only_from_the_file(numbered):
    settings = config(**numbered, tasks=[[0, 1], [3]])
    validate_tasks(settings)
    with pytest.raises(StudyError, match=r"tasks\[1\]: 3 is not a class of npz, which has 0, 1, 2"):
        build_scenario(settings)
    settings = config(**numbered, tasks=["all", [0, 1]], heads="shared")
    validate_tasks(settings)
    with pytest.raises(StudyError, match="tasks: have 3, 2 classes"):
        build_scenario(settings)


def test_tables_cannot_be_turned(tmp_path):
    table, kind = np.ones((9, 4)), np.arange(9) % 3
    np.savez(tmp_path / "t.npz", x_train=table, y_train=kind, x_test=table, y_test=kind)
    with pytest.raises(StudyError, match=r"transform: permuted needs pictures.*\(4,\)"):
        build(
            dataset="npz",
            npz_file=str(tmp_path / "t.npz"),
            tasks=["all"] * 2,
            transform="permuted",
        )


@pytest.mark.parametrize(
    ("changes", "split"),
    [
        ({"validation_fraction": 0.999}, "train"),
        ({"validation_fraction": 0.001}, "validation"),
        ({"test_samples": 0}, "test"),
    ],
)
def test_empty_split_names_task_and_split(changes, split):
    with pytest.raises(StudyError, match=rf"tasks\[0\] \(0,1,2\): has no samples in its {split}"):
        build(**changes)


def test_class_without_test_samples(tmp_path):
    x = np.ones((20, 2))
    kinds = np.arange(20) % 2
    np.savez(tmp_path / "t.npz", x_train=x, y_train=kinds, x_test=x, y_test=0 * kinds)
    settings = {"dataset": "npz", "npz_file": str(tmp_path / "t.npz")}
    with pytest.raises(StudyError, match=r"tasks\[1\] \(1\): has no samples in its test split"):
        build(**settings, tasks=[[0], [1]])
