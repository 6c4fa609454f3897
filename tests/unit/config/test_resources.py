"""What jobs ask a cluster for."""

from pathlib import Path

import pytest

from ewc_lambda.config.study_config import resolve

RULES = Path(__file__).parents[3] / "workflow/rules"


def requests(**config):
    """The functions of the rule file, which is plain Python, for a study of 4 steps a job."""
    study = resolve({"steps_per_job": 4, **config})
    names = {"STUDY": study, "STEPS_PER_JOB": 4}
    exec(compile((RULES / "resources.smk").read_text(), "resources.smk", "exec"), names)
    return names


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_no_training_job_asks_for_more_than_the_limit(attempt):
    limited, free = requests(job_minutes=30), requests()
    for name, minutes in (("training_time", 60), ("block_time", 240)):
        assert limited[name](None, attempt) == 30
        assert free[name](None, attempt) == minutes * attempt
    generous = requests(job_minutes=500)
    assert generous["block_time"](None, attempt) == min(240 * attempt, 500)


def test_a_trainer_of_ones_own_is_tried_in_the_time_of_a_training_job():
    assert requests()["base_model_time"](None, 2) == 10
    assert (
        requests(trainer_command="run {lambda} {seed} {output}")["base_model_time"](None, 2) == 120
    )
    assert requests(job_minutes=5)["base_model_time"](None, 2) == 5


def test_every_rule_that_is_submitted_keeps_to_the_limit():
    for path in RULES.glob("*.smk"):
        for rule in path.read_text().split("\nrule ")[1:]:
            if "localrule: True" in rule or "runtime=" not in rule:
                continue
            (asked,) = [line.strip() for line in rule.splitlines() if "runtime=" in line]
            assert any(name in asked for name in ("at_most(", "_time")), asked
