"""The keys of a trainer: what they allow, and what of a study's files hangs on them."""

import pytest
from own_trainers import JOINT, OWN, TRAINER, written

from ewc_lambda.config.own_trainer import check_python, offers_joint, trained_by_user
from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.errors import StudyError
from ewc_lambda.results.files import Files

COMMAND = "python train.py --lambda {lambda} --seed {seed} --out {output}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dataset": "own"}, "dataset: own is that of a trainer of one's own"),
        ({"trainer_python": "/bin/sh"}, "trainer_python: runs the file of trainer, which is not"),
        ({"trainer": "a.py", "trainer_command": COMMAND}, "trainer_command: trainer is set, too"),
        ({"trainer": "a.py", "racing": True}, "racing: a trainer of one's own trains all"),
        ({"trainer_command": "run {lambda} {seed}"}, "{output} is not in it"),
        ({"trainer_command": "run {seed} {output}"}, "{lambda} is not in it"),
        ({"trainer_command": f"{COMMAND} {{round}}"}, "{round} stands for nothing. Allowed: {lamb"),
        ({"trainer_command": f"{COMMAND} 'open"}, "trainer_command: No closing quotation"),
        ({"trainer": ""}, "trainer: "),
    ],
)
def test_keys_that_do_not_fit_are_refused_by_name(given, said):
    with pytest.raises(StudyError) as error:
        resolve(given)
    assert said in str(error.value)


def test_a_python_that_is_not_there_is_missed_when_it_is_needed(tmp_path):
    config = resolve({"trainer": "a.py", "trainer_python": str(tmp_path / "python")})
    with pytest.raises(StudyError, match=r"trainer_python: .*python: no such program"):
        check_python(config)
    (tmp_path / "python").touch()
    check_python(config)


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        (["a", "a"], "tasks[1]: a is the name of another task, too"),
        ([["a"], "b"], "tasks[0]: ['a'] is no name"),
        ([True, "b"], "tasks[0]: True is no name"),
        ([1, "1"], "tasks[1]: 1 is the name of another task, too"),
    ],
)
def test_tasks_of_ones_own_are_names_that_differ(tasks, said):
    with pytest.raises(StudyError) as error:
        resolve({**OWN, "trainer": "a.py", "tasks": tasks})
    assert said in str(error.value)


def test_data_of_ones_own_have_names_and_no_samples():
    scenario = build_scenario(resolve({**OWN, "trainer": "a.py", "tasks": ["north", 2]}))
    assert [task.name for task in scenario.tasks] == ["north", "2"]
    assert all(len(y) == 0 for task in scenario.tasks for _, y in task.splits.values())


def test_a_trainer_may_bring_any_loss():
    resolve({**OWN, "trainer": "a.py", "loss": "mean_squared_error"})


def test_joint_training_is_looked_for_in_the_file(tmp_path):
    def offers(text, **changes):
        return offers_joint(resolve({**OWN, "trainer": written(tmp_path, text), **changes}))

    assert offers(TRAINER + JOINT)
    assert not offers(TRAINER)
    assert not offers("# def joint(context, start):\n" + TRAINER)
    # Of another Python.
    assert offers("match = type X = 3\ndef joint(context, start): ...\n")
    assert offers_joint(resolve({}))
    assert not offers_joint(resolve({**OWN, "trainer_command": COMMAND}))


def test_only_the_first_task_has_weights(tmp_path):
    config = resolve({**OWN, "trainer": written(tmp_path, TRAINER)})
    assert trained_by_user(config)
    files = Files(config, tmp_path)
    kept = [k for k in ("base_model", "first_task", "step", "reference") if files.weights(k)]
    assert kept == ["first_task"]
    assert [end.kind for end in files.ends({"trial": 0, "importance": "fisher"})] == ["search"]
    assert "epochs" in files.config_of("base_model")
    ours = Files(resolve({}), tmp_path)
    assert "epochs" not in ours.config_of("base_model")
    assert ours.weights("base_model")
