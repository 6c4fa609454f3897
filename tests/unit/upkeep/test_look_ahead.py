"""A user's arrays are looked into before anything is planned."""

import pytest
from made_up_sites import save, table

from ewc_lambda.config.study_config import resolve
from ewc_lambda.errors import StudyError
from ewc_lambda.upkeep import look_ahead as module
from ewc_lambda.upkeep.look_ahead import look_ahead


def config(tmp_path, **keys):
    path = save(tmp_path, "mine.npz", table(classes=4))
    return resolve({"dataset": "npz", "npz_file": path, "tasks": [[0, 1], [2, 3]], **keys})


def test_it_says_what_each_task_has(tmp_path):
    first, *tasks = look_ahead(config(tmp_path))
    assert first.endswith("mine.npz: classification, samples of 4 values.")
    assert len(tasks) == 2
    assert all("train" in line and "validation" in line and "test" in line for line in tasks)


def test_a_class_that_is_not_there_is_said_at_once(tmp_path):
    with pytest.raises(StudyError, match="tasks\\[1\\]"):
        look_ahead(config(tmp_path, tasks=[[0, 1], [2, 7]]))


def test_other_data_sets_and_large_files_are_left_to_their_job(tmp_path, monkeypatch):
    assert look_ahead(resolve({})) == []
    monkeypatch.setattr(module, "LARGEST", 10)
    assert look_ahead(config(tmp_path)) == []


@pytest.mark.parametrize("dataset", ["npz", "digits"])
def test_files_of_several_sites_are_looked_into(tmp_path, dataset):
    paths = [save(tmp_path, f"{site}.npz", table(seed=n)) for n, site in enumerate("ab")]
    tasks = [{"npz_file": path} for path in paths]
    first, *lines = look_ahead(resolve({"dataset": dataset, "tasks": tasks, "heads": "shared"}))
    assert first.startswith(f"{paths[0]}, {paths[1]}: classification")
    assert [line.split(":")[0].strip()[0] for line in lines] == ["a", "b"]
    tasks[1]["classes"] = [0, 9]
    with pytest.raises(StudyError, match="b"):
        look_ahead(resolve({"dataset": dataset, "tasks": tasks, "heads": "shared"}))


def test_a_site_of_another_data_set_leaves_it_to_the_job(tmp_path):
    tasks = [{"npz_file": save(tmp_path, "a.npz", table(features=64))}, {"dataset": "digits"}]
    assert look_ahead(resolve({"tasks": tasks})) == []
