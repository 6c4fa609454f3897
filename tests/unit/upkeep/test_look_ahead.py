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
