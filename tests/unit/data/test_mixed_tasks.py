"""Tasks with a data set each, and files that say which task a sample is of."""

import numpy as np
import pytest
from made_up_scenarios import build, config
from made_up_sites import save, several_sites, table

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.sources import changed_files, check_files
from ewc_lambda.data.sources.task_list import validate_tasks
from ewc_lambda.errors import StudyError


@pytest.fixture
def sites(tmp_path):
    """Two files of tables with three classes each."""
    return [save(tmp_path, f"site_{n}.npz", table(seed=n)) for n in range(2)]


def mixed(sites, **changes):
    return {"tasks": [{"npz_file": path} for path in sites], "data_folder": "nowhere", **changes}


def values(x):
    return {sample.tobytes() for sample in x}


# ------------------------------------------------------------------ two files


@pytest.mark.parametrize(
    ("heads", "labels", "outputs"),
    [
        ("per_task", [[0, 1, 2], [0, 1, 2]], [3, 3]),
        ("shared", [[0, 1, 2], [0, 1, 2]], [3, 3]),
        ("growing", [[0, 1, 2], [3, 4, 5]], [3, 6]),
    ],
)
def test_two_files_are_two_tasks(sites, heads, labels, outputs):
    scenario = build(**mixed(sites, heads=heads))
    assert [task.name for task in scenario.tasks] == ["site_0", "site_1"]
    assert [task.outputs for task in scenario.tasks] == outputs
    for task, path, expected in zip(scenario.tasks, sites, labels, strict=True):
        assert np.unique(task.splits["train"][1]).tolist() == expected
        known = np.load(path)
        held = [values(task.splits[split][0]) for split in ("train", "validation")]
        assert not held[0] & held[1]
        assert held[0] | held[1] == values(known["x_train"].astype(np.float32))
        assert values(task.splits["test"][0]) == values(known["x_test"].astype(np.float32))
        x, y = task.splits["test"]
        place = {sample.tobytes(): label for sample, label in zip(x, y, strict=True)}
        for sample, label in zip(known["x_test"].astype(np.float32), known["y_test"], strict=True):
            assert place[sample.tobytes()] == expected[label]


def test_the_files_are_named_with_the_data(sites):
    scenario = build(**mixed(sites))
    assert set(scenario.sources) == {"site_0: site_0.npz", "site_1: site_1.npz"}


def test_two_files_of_one_name_are_told_apart_by_their_paths(tmp_path):
    paths = [save(tmp_path / name, "data.npz", table(seed=n)) for n, name in enumerate("ab")]
    scenario = build(**mixed(paths, heads="growing"))
    assert [task.name for task in scenario.tasks] == paths
    assert set(scenario.sources) == {f"{path}: data.npz" for path in paths}
    assert scenario.tasks[1].outputs == 6


def test_a_changed_file_is_told_by_its_task(sites, tmp_path):
    given = config(**mixed(sites))
    sources = build(**mixed(sites)).sources
    assert changed_files(given, sources) == []
    save(tmp_path, "site_1.npz", table(seed=5))
    assert changed_files(given, sources) == ["site_1: site_1.npz"]


def test_classes_of_a_task_are_listed(sites):
    tasks = [{"npz_file": sites[0], "classes": [2, 0]}, {"npz_file": sites[1], "classes": "all"}]
    scenario = build(tasks=tasks)
    # Classes of two files are told apart, whatever they are called.
    assert scenario.tasks[0].classes == ("site_0: 2", "site_0: 0")
    assert scenario.tasks[1].classes == ("site_1: 0", "site_1: 1", "site_1: 2")
    assert [task.name for task in scenario.tasks] == ["site_0 2,0", "site_1"]


def test_one_file_in_two_tasks_has_the_same_held_out_samples(sites):
    tasks = [{"npz_file": sites[0]}, {"npz_file": sites[1]}, {"npz_file": sites[0]}]
    first, _, again = build(tasks=tasks, heads="growing").tasks
    assert again.outputs == 6
    for split in ("train", "validation", "test"):
        assert np.array_equal(first.splits[split][0], again.splits[split][0])
        assert np.array_equal(first.splits[split][1], again.splits[split][1])


def test_a_list_is_of_the_studys_own_data_set_and_units_are_made_equal(tmp_path):
    pictures = {
        f"{name}_{split}": values_
        for split, n in (("train", 40), ("test", 20))
        for name, values_ in (
            ("x", np.full((n, 8, 8), 51, np.uint8)),
            ("y", np.arange(n) % 2),
        )
    }
    path = save(tmp_path, "flat.npz", pictures)
    scenario = build(dataset="digits", tasks=[[3, 4], {"npz_file": path}])
    assert [task.name for task in scenario.tasks] == ["digits 3,4", "flat"]
    # Grey values of digits go to 16, those of pictures to 255: both are stored as a model has them.
    assert scenario.scale == 1
    digits, flat = (task.splits["train"][0] for task in scenario.tasks)
    assert digits.dtype == flat.dtype == np.float32
    assert digits.max() == 1
    assert flat == pytest.approx(0.2)


def test_two_regressions(tmp_path):
    paths = [
        save(tmp_path, f"r{n}.npz", table(seed=n, regression=True, train=50)) for n in range(2)
    ]
    for heads in ("per_task", "shared"):
        scenario = build(**mixed(paths, heads=heads, loss="mean_squared_error"))
        assert scenario.kind == "regression"
        assert [task.outputs for task in scenario.tasks] == [1, 1]
        for task in scenario.tasks:
            x, y = task.splits["train"]
            assert y[:, 0] == pytest.approx(x.sum(axis=1), rel=1e-5)


# ------------------------------------------------------------------ tasks within a file


def test_a_file_that_says_the_task_of_each_sample(tmp_path):
    content = several_sites()
    path = save(tmp_path, "sites.npz", content)
    scenario = build(dataset="npz", npz_file=path, tasks=["all"] * 3)
    assert [task.name for task in scenario.tasks] == ["task 0", "task 1", "task 2"]
    for number, task in enumerate(scenario.tasks):
        expected = content["x_test"][content["task_test"] == number].astype(np.float32)
        assert values(task.splits["test"][0]) == values(expected)
    assert list(scenario.sources) == ["sites.npz"]


def test_classes_within_a_file_are_the_same_in_all_its_tasks(tmp_path):
    path = save(tmp_path, "sites.npz", several_sites())
    tasks = build(dataset="npz", npz_file=path, tasks=["all"] * 3, heads="growing").tasks
    assert [task.outputs for task in tasks] == [3, 3, 3]


def test_a_regression_of_several_tasks_within_a_file(tmp_path):
    path = save(tmp_path, "sites.npz", several_sites(2, regression=True))
    given = {"dataset": "npz", "npz_file": path, "loss": "mean_squared_error"}
    scenario = build(**given, tasks=["all", "all"])
    assert [len(task.splits["test"][0]) for task in scenario.tasks] == [30, 30]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task_test": None}, "has task_train and no task_test"),
        ({"task_train": lambda t: t * 2}, r"task_train: has the numbers 0, 2, 4; tasks"),
        ({"task_train": lambda t: t + 2}, r"task_train: has the numbers 2, 3, 4; tasks"),
        (
            {"task_test": lambda t: np.minimum(t, 1)},
            r"task_test: has the tasks 0, 1 and",
        ),
        ({"task_train": lambda t: t[:-1]}, r"task_train: has shape \(179,\), expected \(180,\)"),
        ({"task_train": lambda t: t + 0.5}, r"task_train: holds float64, expected whole numbers"),
    ],
    ids=["one alone", "gaps", "not from 0", "differing", "too short", "floats"],
)
def test_numbers_of_tasks_that_do_not_serve(tmp_path, changes, message):
    content = several_sites()
    for name, change in changes.items():
        content[name] = None if change is None else change(content[name])
    path = save(tmp_path, "sites.npz", {n: v for n, v in content.items() if v is not None})
    with pytest.raises(StudyError, match=message):
        build(dataset="npz", npz_file=path, tasks=["all"] * 3)


def test_as_many_tasks_are_listed_as_the_file_has(tmp_path):
    path = save(tmp_path, "sites.npz", several_sites(4))
    with pytest.raises(
        StudyError, match=r"tasks: lists 2 tasks, and task_train has 4, 0 to 3\..*\[all, all, all, "
    ):
        build(dataset="npz", npz_file=path, tasks=["all", "all"])


# ------------------------------------------------------------------ what does not go together


def test_tasks_of_another_shape_are_refused_by_name(tmp_path):
    paths = [save(tmp_path, f"s{n}.npz", table(features=n)) for n in (3, 4)]
    with pytest.raises(
        StudyError, match=r"^tasks\[1\]: samples of s4 have the shape \(4,\), those .* \(3,\)"
    ):
        build(**mixed(paths))


def test_classes_and_a_regression_are_refused_by_name(tmp_path):
    paths = [save(tmp_path, f"s{n}.npz", table(regression=n > 0)) for n in range(2)]
    with pytest.raises(StudyError, match=r"^tasks\[1\]: s1 is a regression, .* a classification"):
        build(**mixed(paths))


def test_a_class_list_on_a_regression_is_refused_by_name(tmp_path):
    paths = [save(tmp_path, f"s{n}.npz", table(regression=True)) for n in range(2)]
    tasks = [{"npz_file": paths[0]}, {"npz_file": paths[1], "classes": [0, 1]}]
    with pytest.raises(StudyError, match=r"^tasks\[1\]: lists classes, and s1 holds float targets"):
        build(tasks=tasks, loss="mean_squared_error")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, r"tasks\[1\]: names no data set"),
        ({"classes": [0]}, r"tasks\[1\]: names no data set"),
        ({"dataset": "mnist", "npz_file": "a.npz"}, r"tasks\[1\]: names dataset, npz_file"),
        ({"dataset": "mnits"}, r"tasks\[1\]: unknown data set 'mnits'"),
        ({"dataset": "iris"}, r"tasks\[1\]: a task of iris lists no classes"),
        ({"dataset": "mnist", "lasses": [0]}, r"tasks\[1\]: has 'lasses'"),
        ({"dataset": "mnist", "classes": [0, 10]}, r"tasks\[1\]: 10 is not a class of mnist"),
        ({"dataset": "mnist", "classes": 3}, r"tasks\[1\]: must be a list"),
        ({"dataset": "mnist", "classes": [4]}, r"tasks\[1\]: has one class"),
        ({"dataset": "npz"}, r"npz_file: must be set"),
        ({"npz_file": 7}, r"tasks\[1\]: npz_file must be text"),
        ({"image_folder": "night"}, r"image_size: must be set"),
    ],
)
def test_a_mapping_that_does_not_serve(entry, message):
    with pytest.raises(StudyError, match=f"^{message}"):
        resolve({"tasks": [[0, 1], entry]})


def test_a_missing_file_is_named_before_anything_runs():
    with pytest.raises(StudyError, match=r"^npz_file: site_b\.npz does not exist"):
        check_files(resolve({"tasks": [[0, 1], {"npz_file": "site_b.npz"}]}))


def test_unequal_counts_with_a_shared_head():
    tasks = [{"dataset": "mnist"}, {"dataset": "fashion_mnist", "classes": ["coat", "bag"]}]
    with pytest.raises(StudyError, match=r"^tasks: have 10, 2 classes, but with heads: shared"):
        resolve({"tasks": tasks, "heads": "shared"})
    assert resolve({"tasks": tasks})["tasks"] == tasks


def test_loss_and_data_sets_of_tasks_fit():
    tasks = [{"dataset": "mnist"}, {"dataset": "fashion_mnist"}]
    with pytest.raises(StudyError, match=r"^loss: mean_squared_error does not fit .* mnist"):
        resolve({"tasks": tasks, "loss": "mean_squared_error"})


def test_names_of_classes_stay_text_inside_a_mapping():
    given = {"tasks": [{"npz_file": "007", "classes": ["001", "7"]}, {"npz_file": "b.npz"}]}
    assert resolve(given)["tasks"][0] == {"npz_file": "007", "classes": ["001", 7]}


def test_a_file_with_tasks_of_its_own_is_no_task(tmp_path):
    path = save(tmp_path, "sites.npz", several_sites())
    with pytest.raises(StudyError, match="tasks: sites has task_train"):
        build(tasks=[{"npz_file": path}, {"npz_file": path}])


def test_functions_are_mappings_of_another_kind():
    with pytest.raises(StudyError, match=r"tasks\[1\].*is not a function"):
        validate_tasks(
            config(dataset="function", tasks=[{"family": "sine"}, {"npz_file": "a.npz"}])
        )
