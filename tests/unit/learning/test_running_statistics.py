"""`running_statistics`: what batch normalization keeps of each task."""

import pytest
import torch
from builders import base_model, streams
from drawn_runs import DrawnRun
from drawn_tasks import Conv

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.prepared import read_prepared, write_prepared
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.errors import StudyError
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.learning.sequence import (
    base_state,
    run_sequence,
    train_first_task,
    with_importance,
)

NORMALIZED = DrawnRun((1, 4, 4), (Conv(4), "batch", 3), samples=(8, 8))
KINDS = pytest.mark.parametrize("stacked", [True, False], ids=["stacked", "looped"])


def after_each_task(stacked, choice, joint=False):
    """Buffers (members, buffer_size) of the base model, after the first task, after the second."""
    of = NORMALIZED.problem(stacked, running_statistics=choice)
    start = base_state(of, *base_model(of), 2)
    first, omegas = train_first_task(of, start, streams(2), ["fisher_exact"])
    held = with_importance(of, first, omegas["fisher_exact"])
    last = run_sequence(of, held, streams(2), torch.ones(2).double(), "fisher_exact", joint=joint)
    return start.buffers, first.buffers, last.buffers


@KINDS
@pytest.mark.parametrize("joint", [False, True])
def test_frozen_statistics_are_those_of_the_first_task(stacked, joint):
    start, first, last = after_each_task(stacked, "first_task", joint)
    assert not torch.equal(start, first)
    assert torch.equal(first, last)


@KINDS
def test_updated_statistics_follow_every_task(stacked):
    start, first, last = after_each_task(stacked, "updated")
    assert not torch.equal(start, first)
    assert not torch.equal(first, last)


@KINDS
def test_the_choice_changes_nothing_before_the_second_task(stacked):
    frozen, updated = (after_each_task(stacked, one) for one in ("first_task", "updated"))
    assert torch.equal(frozen[1], updated[1])


@KINDS
def test_later_tasks_are_trained_with_the_frozen_statistics(stacked):
    _, (frozen,) = NORMALIZED.run(stacked, running_statistics="first_task")
    _, (updated,) = NORMALIZED.run(stacked)
    assert not torch.allclose(frozen.theta, updated.theta, rtol=1e-3)
    assert torch.equal(frozen.history.loss[1], updated.history.loss[1])


def test_a_model_without_running_statistics_is_refused(tmp_path):
    config = resolve(
        {"running_statistics": "first_task", "samples_per_task": 20, "validation_samples": 5}
    )
    write_prepared(tmp_path / "data.h5", build_scenario(config), {"code_sha256": "c", "config": {}})
    prepared = read_prepared(tmp_path / "data.h5")
    message = r"^running_statistics: first_task .* has none\. Allowed with it: updated\.$"
    with pytest.raises(StudyError, match=message):
        build_problem(config, prepared)
    normalized = {**config, "model": "small_cnn", "normalization": "batch"}
    assert build_problem(normalized, prepared).settings.running_statistics == "first_task"
    with pytest.raises(StudyError, match=message):
        build_problem({**normalized, "normalization": "group"}, prepared)
