"""Tasks that each trial draws: their order, or the classes in them."""

import itertools

import numpy as np
import pytest
from made_up_scenarios import build, config
from made_up_sites import save, table

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.prepared import read_prepared, read_task_names, write_prepared
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.data.task_order import arranged, for_trial
from ewc_lambda.errors import StudyError

PROVENANCE = {"code_sha256": "", "config": {}}
SPLITS = ("train", "validation", "test")
THREE = [[0, 1], [2, 3], [4, 5]]


def stored(tmp_path, **changes):
    given = config(**changes)
    path = tmp_path / "data.h5"
    write_prepared(path, build_scenario(given), PROVENANCE)
    return given, read_prepared(path)


def samples(x, y):
    """Samples with their labels, whatever their order."""
    return sorted((sample.tobytes(), int(label)) for sample, label in zip(x, y, strict=True))


def same(prepared, scenario):
    """Whether tasks hold the same samples with the same labels."""
    assert [task.name for task in prepared.tasks] == [task.name for task in scenario.tasks]
    assert [task.outputs for task in prepared.tasks] == [task.outputs for task in scenario.tasks]
    for place, split in itertools.product(range(len(scenario.tasks)), SPLITS):
        found, expected = prepared.splits[place][split], scenario.tasks[place].splits[split]
        assert samples(*found) == samples(*expected), (place, split)


@pytest.mark.parametrize("heads", ["per_task", "shared", "growing"])
def test_a_drawn_order_gives_the_tasks_of_a_study_that_lists_them_so(tmp_path, heads):
    given, pieces = stored(tmp_path, tasks=THREE, heads=heads, task_order="drawn")
    orders = set()
    for trial in range(6):
        drawn = for_trial(pieces, given, trial)
        order = [[int(name) for name in task.classes] for task in drawn.tasks]
        same(drawn, build(tasks=order, heads=heads))
        orders.add(str(order))
    assert len(orders) > 2


@pytest.mark.parametrize("heads", ["per_task", "shared", "growing"])
@pytest.mark.parametrize("limits", [{}, {"samples_per_task": 31, "test_samples": 11}])
def test_drawn_classes_give_the_tasks_of_a_study_that_lists_them_so(tmp_path, heads, limits):
    given, pieces = stored(tmp_path, tasks=THREE, heads=heads, task_order="drawn_classes", **limits)
    dealt = set()
    for trial in range(6):
        drawn = for_trial(pieces, given, trial)
        order = [[int(name) for name in task.classes] for task in drawn.tasks]
        assert sorted(itertools.chain(*order)) == [0, 1, 2, 3, 4, 5]
        same(drawn, build(tasks=order, heads=heads, **limits))
        dealt |= {frozenset(task) for task in order}
    assert len(dealt) > 6


def test_classes_of_two_files_stay_different_ones_in_a_growing_head(tmp_path):
    paths = [save(tmp_path, f"site_{n}.npz", table(seed=n)) for n in range(2)]
    tasks = [{"npz_file": path} for path in paths]
    given, pieces = stored(tmp_path, tasks=tasks, heads="growing", task_order="drawn")
    swapped = arranged(pieces, given, [[1], [0]])
    assert [task.outputs for task in swapped.tasks] == [3, 6]
    same(swapped, build(tasks=tasks[::-1], heads="growing"))


def test_tasks_of_unequal_sizes_keep_their_sizes(tmp_path):
    given, pieces = stored(tmp_path, tasks=[[0, 1, 2], [3, 4]], task_order="drawn_classes")
    assert [task.outputs for task in for_trial(pieces, given, 0).tasks] == [3, 2]


def test_a_trial_draws_the_same_tasks_every_time_and_by_the_seed(tmp_path):
    given, pieces = stored(tmp_path, tasks=THREE, task_order="drawn_classes")
    names = [task.name for task in for_trial(pieces, given, 3).tasks]
    assert names == [task.name for task in for_trial(pieces, given, 3).tasks]
    others = [
        [task.name for task in for_trial(pieces, {**given, "seed": seed}, 3).tasks]
        for seed in range(5)
    ]
    assert any(other != names for other in others)


def test_a_given_order_is_that_of_every_trial(tmp_path):
    given, prepared = stored(tmp_path)
    assert for_trial(prepared, given, 5) is prepared


def test_every_order_is_drawn_about_as_often(tmp_path):
    given, pieces = stored(tmp_path, tasks=THREE, task_order="drawn")
    firsts = [for_trial(pieces, given, trial).tasks[0].name for trial in range(300)]
    counts = np.unique(firsts, return_counts=True)[1]
    # A third each, within five standard errors.
    assert counts == pytest.approx([100] * 3, abs=5 * np.sqrt(300 * 2 / 9))


def test_regressions_keep_their_targets(tmp_path):
    tasks = [{"family": "sine"}, {"family": "gaussian"}]
    given, pieces = stored(
        tmp_path, dataset="function", loss="mean_squared_error", tasks=tasks, task_order="drawn"
    )
    swapped = arranged(pieces, given, [[1], [0]])
    assert [task.name for task in swapped.tasks] == ["gaussian", "sine"]
    for split in SPLITS:
        assert np.array_equal(swapped.splits[0][split][1], pieces.splits[1][split][1])


def test_results_name_the_tasks_by_their_place(tmp_path):
    stored(tmp_path, tasks=THREE, task_order="drawn")
    assert read_task_names(tmp_path / "data.h5") == [f"task {place} (drawn)" for place in range(3)]


def test_standardized_by_the_task_that_is_listed_first(tmp_path):
    given = {"tasks": THREE, "standardize": True}
    _, whole = stored(tmp_path, **given)
    for order in ("drawn", "drawn_classes"):
        _, pieces = stored(tmp_path, **given, task_order=order)
        for found, expected in zip(pieces.standard, whole.standard, strict=True):
            assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": [[0, 1], [1, 2]]}, "one is listed twice"),
        ({"tasks": ["all"]}, "one says all"),
        ({"transform": "permuted"}, "goes with transform none, not with permuted"),
        ({"tasks": [[0, 1], {"dataset": "mnist"}]}, "classes of one data set"),
        ({"dataset": "iris", "tasks": [[0], [1]]}, "classes of one data set"),
    ],
)
def test_classes_that_cannot_be_dealt_out(changes, message):
    with pytest.raises(StudyError, match=f"^task_order: drawn_classes .*{message}"):
        resolve({"task_order": "drawn_classes", **changes})


def test_a_class_that_is_listed_by_name_and_by_number(tmp_path):
    with pytest.raises(StudyError, match=r"tasks: list the class .* more than once"):
        build(
            dataset="digits",
            tasks=[["0", 1], [0, 2]],
            task_order="drawn_classes",
        )


def test_any_task_may_come_first_where_the_order_is_drawn():
    resolve({"heads": "growing", "tasks": [[0, 1], [2]]})
    with pytest.raises(StudyError, match=r"^tasks\[1\]: has one class"):
        resolve({"heads": "growing", "tasks": [[0, 1], [2]], "task_order": "drawn"})


def test_a_trial_draws_its_share_of_the_training_samples_and_leaves_the_rest(tmp_path):
    given, whole = stored(tmp_path, tasks=THREE, drawn_share=0.25)
    drawn = [for_trial(whole, given, trial) for trial in range(4)]
    for task in range(3):
        pool = samples(*whole.splits[task]["train"])
        taken = [samples(*each.splits[task]["train"]) for each in drawn]
        for own in taken:
            assert len(own) == round(0.25 * len(pool))
            assert set(own) <= set(pool)
        assert len({str(own) for own in taken}) == 4
        for split in ("validation", "test"):
            assert samples(*drawn[0].splits[task][split]) == samples(*whole.splits[task][split])
    again = for_trial(whole, given, 2)
    np.testing.assert_array_equal(again.splits[1]["train"][1], drawn[2].splits[1]["train"][1])


def test_each_trial_draws_at_least_one_sample_of_a_task(tmp_path):
    given, whole = stored(tmp_path, tasks=THREE, drawn_share=1e-9)
    assert [len(own["train"][1]) for own in for_trial(whole, given, 0).splits] == [1, 1, 1]
