"""Scenarios: labels of the three kinds of heads, splits, limits and transforms."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from made_up_scenarios import DEFAULTS, build, config

from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.data.sources.functions import evaluate
from ewc_lambda.errors import StudyError
from ewc_lambda.seeding import data_generator

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
SPLITS = ("train", "validation", "test")


def labels(scenario):
    return [sorted(set(task.splits["train"][1].tolist())) for task in scenario.tasks]


def rows(x):
    """The samples as a list of bytes, so that they can be told apart and counted."""
    return [sample.tobytes() for sample in x]


def numbers(task, split):
    return set(task.splits[split][0][:, 0, 1, 1].tolist())


def test_digits_per_task():
    scenario = build()
    assert scenario.kind == "classification"
    assert scenario.input_shape == (1, 8, 8)
    assert scenario.scale == 1 / 16
    assert [task.name for task in scenario.tasks] == ["0,1,2", "3,4,5"]
    assert [task.outputs for task in scenario.tasks] == [3, 3]
    assert scenario.tasks[1].classes == ("3", "4", "5")
    assert labels(scenario) == [[0, 1, 2], [0, 1, 2]]
    for task, split in itertools.product(scenario.tasks, SPLITS):
        x, y = task.splits[split]
        assert x.dtype == np.uint8
        assert y.dtype == np.int64
        assert len(x) == len(y) > 0


@pytest.mark.parametrize(
    ("heads", "tasks", "expected", "outputs"),
    [
        ("per_task", [[7, 2], [1, 4, 9]], [[0, 1], [0, 1, 2]], [2, 3]),
        ("shared", [[7, 2], [1, 4]], [[0, 1], [0, 1]], [2, 2]),
        ("growing", [[7, 2], [1, 4, 9]], [[0, 1], [2, 3, 4]], [2, 5]),
        ("growing", [[7, 2], [2, 4], [0]], [[0, 1], [1, 2], [3]], [2, 3, 4]),
    ],
)
def test_labels_follow_the_order_of_the_list(heads, tasks, expected, outputs):
    scenario = build(heads=heads, tasks=tasks)
    assert labels(scenario) == expected
    assert [task.outputs for task in scenario.tasks] == outputs
    # The label of a class is the one that its place in the list says, for every sample.
    plain = build(tasks=[[7]]).tasks[0].splits["train"][0]
    x, y = scenario.tasks[0].splits["train"]
    assert sorted(rows(x[y == 0])) == sorted(rows(plain))


def test_names_and_numbers_are_the_same_classes():
    for tasks in ([["0", "1"], ["2"]], [[0, "1"], [2]]):
        scenario = build(tasks=tasks)
        assert [task.name for task in scenario.tasks] == ["0,1", "2"]


def test_all_stands_for_every_class():
    assert build(tasks=["all"]).tasks[0].outputs == 10
    assert build(tasks=[["all"]]).tasks[0].outputs == 10


def test_splits_are_disjoint_and_complete(numbered):
    for task in build(**numbered, tasks=[[0, 2], [1]]).tasks:
        train, validation, test = (numbers(task, split) for split in SPLITS)
        assert not train & validation
        assert max(train | validation) < 100 <= min(test)
        size = 30 * len(task.classes)
        assert (len(train), len(validation), len(test)) == (size * 0.8, size * 0.2, size / 3)


def test_a_sample_has_the_same_part_in_every_task_that_uses_it(numbered):
    tasks = build(**numbered, tasks=[[0, 1], [1, 2], "all"]).tasks
    for one, other in itertools.permutations(tasks, 2):
        assert not numbers(one, "train") & numbers(other, "validation")


def test_limits(numbered):
    limits = {"samples_per_task": 12, "validation_samples": 6, "test_samples": 3}
    full = build(**numbered, tasks=["all"]).tasks[0]
    task = build(**numbered, **limits, tasks=["all"]).tasks[0]
    for split, count in zip(SPLITS, (12, 6, 3), strict=True):
        assert np.bincount(task.splits[split][1]).tolist() == [count / 3] * 3
        assert numbers(task, split) < numbers(full, split)


def test_seed_chooses_the_samples_and_nothing_else_does(numbered):
    def drawn(**changes):
        task = build(**{**numbered, "tasks": [[0, 1]], **changes}).tasks[0]
        return numbers(task, "validation")

    assert drawn() == drawn() == drawn(heads="shared", samples_per_task=5)
    assert drawn() != drawn(seed=12)
    backwards = dict(reversed(config(**numbered, tasks=[[0, 1]]).items()))
    assert numbers(build_scenario(backwards).tasks[0], "validation") == drawn()


def test_held_out_are_the_first_of_each_class_in_the_drawn_order(numbered):
    order = data_generator(DEFAULTS["seed"], "split", 0).permutation(90)
    tasks = build(**numbered, tasks=[[0], [1], [2]], samples_per_task=5).tasks
    for label, task in enumerate(tasks):
        ranked = [number for number in order if number % 3 == label]
        assert numbers(task, "validation") == set(ranked[:6])
        assert numbers(task, "train") == set(ranked[6:11])


def test_permuted_tasks():
    scenario = build(tasks=["all"] * 3, heads="shared", transform="permuted")
    assert [task.name for task in scenario.tasks] == [f"permutation {k}" for k in range(3)]
    plain = build(tasks=["all"], heads="shared").tasks[0]
    for split in SPLITS:
        x = [task.splits[split][0] for task in scenario.tasks]
        y = [task.splits[split][1] for task in scenario.tasks]
        assert np.array_equal(x[0], plain.splits[split][0])
        assert np.array_equal(y[1], y[0])
        assert np.array_equal(np.sort(x[1].reshape(-1, 64)), np.sort(x[0].reshape(-1, 64)))
    train, validation, test = (
        [task.splits[split][0].reshape(-1, 64) for task in scenario.tasks] for split in SPLITS
    )
    # One order per task: the same for every sample of every split, and drawn from the seed.
    order = [
        next(j for j in range(64) if np.array_equal(train[0][:, j], train[1][:, i]))
        for i in range(64)
    ]
    assert np.array_equal(validation[0][:, order], validation[1])
    assert np.array_equal(test[0][:, order], test[1])
    assert not np.array_equal(train[1], train[2])
    again = build(tasks=["all"] * 2, heads="shared", transform="permuted", seed=12)
    assert not np.array_equal(
        again.tasks[1].splits["test"][0][:9], test[1][:9].reshape(-1, 1, 8, 8)
    )


def test_rotated_tasks():
    scenario = build(tasks=[[0, 1], [0, 1], [2, 3]], transform="rotated", rotations=[0, 90, 22.5])
    assert [task.name for task in scenario.tasks] == [
        "0,1 rotation 0",
        "0,1 rotation 90",
        "2,3 rotation 22.5",
    ]
    first, second, third = (task.splits["test"][0] for task in scenario.tasks)
    assert np.array_equal(second, np.rot90(first, axes=(2, 3)))
    assert third.dtype == np.uint8


def test_iris_tasks_are_columns():
    tasks = [["sepal length", "sepal width"], ["petal length", "petal width"]]
    scenario = build(dataset="iris", tasks=tasks)
    assert [task.name for task in scenario.tasks] == [
        "sepal length,sepal width",
        "petal length,petal width",
    ]
    assert scenario.input_shape == (2,)
    for task in scenario.tasks:
        assert task.classes == ("setosa", "versicolor", "virginica")
        assert task.outputs == 3
        assert [len(task.splits[split][1]) for split in SPLITS] == [96, 24, 30]
    whole = build(dataset="iris", tasks=["all"]).tasks[0].splits["train"][0]
    assert np.array_equal(scenario.tasks[1].splits["train"][0], whole[:, 2:])
    assert labels(build(dataset="iris", tasks=tasks, heads="growing")) == [[0, 1, 2]] * 2


def test_functions():
    tasks = [{"family": "sine", "amplitude": 2}, {"family": "polynomial", "coefficients": [0, 3]}]
    scenario = build(dataset="function", tasks=tasks, function_samples=50)
    assert scenario.kind == "regression"
    assert scenario.input_shape == (1,)
    assert scenario.scale == 1
    assert [task.name for task in scenario.tasks] == ["sine", "polynomial"]
    for entry, task in zip(tasks, scenario.tasks, strict=True):
        assert task.classes == ()
        assert task.outputs == 1
        assert [len(task.splits[split][0]) for split in SPLITS] == [40, 10, 50]
        for x, y in task.splits.values():
            assert y.shape == (len(x), 1)
            assert y.dtype == np.float32
            assert y[:, 0] == pytest.approx(evaluate(entry, x), abs=1e-5)
    first, second = (set(task.splits["train"][0].ravel()) for task in scenario.tasks)
    assert not first & second
    assert not first & set(scenario.tasks[0].splits["validation"][0].ravel())
    capped = build(dataset="function", tasks=tasks, function_samples=50, samples_per_task=7)
    assert len(capped.tasks[0].splits["train"][0]) == 7


def test_regression_from_npz(tmp_path):
    x = np.arange(20.0)[:, None]
    y = np.hstack([x, -x])
    np.savez(tmp_path / "line.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    settings = {"dataset": "npz", "npz_file": str(tmp_path / "line.npz")}
    scenario = build(**settings, tasks=["all"])
    assert scenario.kind == "regression"
    assert scenario.tasks[0].outputs == 2
    train_x, train_y = scenario.tasks[0].splits["train"]
    assert np.array_equal(train_y, np.hstack([train_x, -train_x]))
    with pytest.raises(StudyError, match=r"tasks: .*one task: \[all\]"):
        build(**settings, tasks=[[0], [1]])


@pytest.mark.skipif(
    not (SHARED / "mnist").is_dir(), reason="the data folder ../shared/data/mnist is absent"
)
def test_real_mnist():
    scenario = build(dataset="mnist", data_folder=str(SHARED), validation_fraction=0.1)
    # Digits 0, 1 and 2 of the training part: 5,923 + 6,742 + 5,958; of the test part: 3,147.
    sizes = {split: len(scenario.tasks[0].splits[split][0]) for split in SPLITS}
    assert sizes["train"] + sizes["validation"] == 5923 + 6742 + 5958
    assert sizes["validation"] == 592 + 674 + 596
    assert sizes["test"] == 3147
    assert scenario.input_shape == (1, 28, 28)
    assert len(scenario.sources) == 4
