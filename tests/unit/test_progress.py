"""How far a study is, said from its files."""

import pytest

from ewc_lambda.progress import progress_lines
from ewc_lambda.records import write_json

CONFIG = {"trials": 1, "importance": ["fisher"], "steps": 4}


def decision(stop):
    return {"measures": [3.0, 1.0, None, 2.0], "lambdas": [1.0, 10.0, 100.0, 1e3], "stop": stop}


def test_a_study_that_was_not_begun(tmp_path):
    assert progress_lines(tmp_path, CONFIG) == ["trial 0, fisher: not begun"]


def test_a_round_under_way_counts_its_steps(tmp_path):
    search = tmp_path / "trial_0/fisher"
    write_json(search / "round_0/decision.json", decision(None))
    (search / "round_1").mkdir()
    (search / "round_1/step_2.h5").touch()
    (line,) = progress_lines(tmp_path, CONFIG)
    assert "round 1, 1 of 4 steps" in line
    assert "lambda = 10 (measure 1)" in line


def test_a_finished_search_says_why_it_stopped(tmp_path):
    write_json(tmp_path / "trial_0/fisher/round_0/decision.json", decision("max_rounds"))
    (line,) = progress_lines(tmp_path, CONFIG)
    assert "finished after 1 round (max_rounds)" in line


@pytest.mark.parametrize("text", ["", "{}", "no json"])
def test_a_broken_decision_is_named(tmp_path, text):
    path = tmp_path / "trial_0/fisher/round_0/decision.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    (line,) = progress_lines(tmp_path, CONFIG)
    assert str(path) in line
