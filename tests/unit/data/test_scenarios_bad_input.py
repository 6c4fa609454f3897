"""Scenarios that cannot be: one message that names the key or the task, without files where none
are needed.
"""

import numpy as np
import pytest
from made_up_scenarios import DEFAULTS, build, config

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.prepared import read_notes, read_prepared, write_prepared
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.data.sources import DATASETS
from ewc_lambda.data.sources.task_list import class_indices, validate_tasks
from ewc_lambda.data.task_splits import check_not_empty
from ewc_lambda.errors import StudyError
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.store.records import read_attributes


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
    settings = config(**numbered, tasks=[[0, 1], [2, 3]])
    validate_tasks(settings)
    with pytest.raises(
        StudyError, match=r"tasks\[1\]: y_train has no label 3: its labels are 0 to 2"
    ):
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


def blobs(folder, labels, kind=int):
    """An .npz of a table with equally many samples of each label."""
    y = np.repeat(labels, 20).astype(kind)
    x = np.random.default_rng(0).normal(size=(len(y), 3))
    np.savez(folder / "t.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    return {"dataset": "npz", "npz_file": str(folder / "t.npz")}


def test_a_number_is_a_label_and_no_place(tmp_path):
    settings = blobs(tmp_path, [1, 2, 3, 4])
    with pytest.raises(StudyError, match=r"tasks\[0\]: y_train has no label 0: .* 1 to 4$"):
        build(**settings, tasks=[[0, 1], [2, 3]])
    tasks = build(**settings, tasks=[[1, 2], [3, 4]]).tasks
    assert [task.classes for task in tasks] == [("1", "2"), ("3", "4")]


def test_all_are_the_labels_that_occur(tmp_path):
    scenario = build(**blobs(tmp_path, [3, 4, 5, 6, 7, 8]), tasks=["all", "all"])
    assert [task.outputs for task in scenario.tasks] == [6, 6]


def test_labels_saved_as_floats_say_so(tmp_path):
    with pytest.raises(StudyError, match=r"a regression.* save them as integers: y_train.astype"):
        build(**blobs(tmp_path, [0, 1, 2, 3], float), tasks=[[0, 1], [2, 3]])


def test_numbers_are_refused_where_names_have_zeros_in_front():
    names = tuple(f"{number:03d}" for number in range(1, 11))
    info = DATASETS["image_folder"]
    # What YAML makes of 001 and 010, and of 9 and 10.
    for value, name in ((1, "001"), (8, "008"), (10, "010")):
        with pytest.raises(StudyError, match=f"zeros in front; write '{name}' in quotes"):
            class_indices([value], names, "tasks[0]", info)
    assert class_indices(["001", "010"], names, "tasks[0]", info) == [0, 9]


def test_numbers_are_places_only_where_no_name_is_a_number():
    info = DATASETS["image_folder"]
    assert class_indices([1, 0], ("cat", "dog"), "tasks[0]", info) == [1, 0]
    with pytest.raises(StudyError, match=r"0 is not a class of image_folder, which has 1, cat"):
        class_indices([0, 1], ("1", "cat"), "tasks[0]", info)


def test_accents_may_be_written_in_either_way():
    composed, decomposed = "M\u00fccke", "Mu\u0308cke"
    info = DATASETS["image_folder"]
    assert class_indices([composed], ("Fliege", decomposed), "tasks[0]", info) == [1]
    assert class_indices([decomposed], ("Fliege", composed), "tasks[0]", info) == [1]


@pytest.mark.parametrize(
    ("heads", "tasks", "place"),
    [
        ("per_task", [[0], [1], [2]], 0),
        ("per_task", [[0, 1], [2]], 1),
        ("shared", [[0], [1]], 0),
        ("growing", [[0], [1, 2]], 0),
    ],
)
def test_a_single_output_with_softmax_is_refused(heads, tasks, place):
    settings = config(heads=heads, tasks=tasks)
    message = rf"tasks\[{place}\]: has one class.* loss softmax_cross_entropy is 0"
    with pytest.raises(StudyError, match=message):
        validate_tasks(settings)
    validate_tasks({**settings, "loss": "binary_cross_entropy"})


def test_a_growing_head_may_take_one_class_more():
    validate_tasks(config(heads="growing", tasks=[[0, 1], [2], [3]]))


def test_all_of_a_data_set_of_one_class_is_refused_before_training(tmp_path):
    scenario = build(**blobs(tmp_path, [5]), tasks=["all", "all"])
    write_prepared(tmp_path / "data.h5", scenario, {"code_sha256": "c", "config": {}})
    with pytest.raises(StudyError, match="loss softmax_cross_entropy is 0"):
        build_problem(config(), read_prepared(tmp_path / "data.h5"))


def test_notes_of_the_data_go_into_their_file(tmp_path):
    x, y = np.arange(120.0).reshape(40, 3) + 500, np.arange(40) % 4
    np.savez(tmp_path / "t.npz", x_train=x, y_train=y, x_test=-x, y_test=y)
    given = {"dataset": "npz", "npz_file": str(tmp_path / "t.npz")}
    write_prepared(
        tmp_path / "data.h5", build(**given, tasks=["all"]), {"code_sha256": "c", "config": {}}
    )
    (note,) = read_notes(tmp_path / "data.h5")
    assert "t.npz: x_train (float64) has values from 500 to 619 and is taken unscaled" in note
    write_prepared(tmp_path / "none.h5", build(), {"code_sha256": "c", "config": {}})
    assert read_notes(tmp_path / "none.h5") == []
    assert "notes" not in read_attributes(tmp_path / "none.h5")


def test_a_class_with_one_sample_is_told(tmp_path):
    y = np.array([0, 1] * 20 + [2])
    x = np.random.default_rng(0).normal(size=(41, 3))
    np.savez(tmp_path / "t.npz", x_train=x, y_train=y, x_test=-x, y_test=y)
    scenario = build(dataset="npz", npz_file=str(tmp_path / "t.npz"), tasks=["all"])
    assert scenario.notes == ("tasks[0]: 1 of 3 classes without a sample in the validation split",)
    assert build().notes == ()


def test_a_task_that_comes_again_is_told():
    (note,) = build(tasks=[[0, 1], [0, 1]]).notes
    assert note == "tasks[1]: is tasks[0] once more, which leaves nothing to forget"
    assert build(tasks=[[0, 1], [1, 0]]).notes == ()
    assert build(tasks=[[0, 1], [0, 1]], transform="permuted").notes == ()


def test_a_long_name_is_cut_in_a_message():
    with pytest.raises(StudyError, match=r"tasks\[0\] \(.{59}…\): has no samples"):
        check_not_empty({"train": (np.empty(0), np.empty(0))}, 0, "x" * 250)
