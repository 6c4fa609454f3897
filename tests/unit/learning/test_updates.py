"""So many updates per task in place of epochs."""

import pytest
import torch
from builders import base_model, problem, streams

from ewc_lambda.learning.members import Members
from ewc_lambda.learning.sequence import base_state, run_sequence


def run(of, count=1, importance="none"):
    base = base_state(of, *base_model(of), count)
    return run_sequence(of, base, streams(count), torch.zeros(count), importance)


@pytest.fixture
def seen(monkeypatch):
    """Sizes of all batches."""
    sizes = []
    original = Members.backward

    def backward(members, parts, **how):
        sizes.append([part.x.shape[1] for part in parts])
        original(members, parts, **how)

    monkeypatch.setattr(Members, "backward", backward)
    return sizes


def test_each_task_gets_so_many_updates_whatever_its_size(seen):
    of = problem(samples=[20, 9], epochs=1, updates=7)
    run(of)
    # Passes of 20 samples have batches of 8, 8 and 4; those of 9 have 8 and 1.
    assert seen == [[n] for n in (8, 8, 4, 8, 8, 4, 8, 8, 1, 8, 1, 8, 1, 8)]


def test_as_many_updates_as_epochs_have_end_at_the_same_weights():
    epochs = run(problem(samples=20, epochs=4))
    updates = run(problem(samples=20, epochs=1, updates=12))
    assert torch.equal(epochs.theta, updates.theta)


def test_a_task_is_one_epoch_with_evaluations_spread_over_it():
    of = problem(samples=20, epochs=1, updates=10, evaluations_per_epoch=4)
    epoch = run(of).history.epoch
    assert epoch == pytest.approx([0, 0.2, 0.5, 0.8, 1, 1.2, 1.5, 1.8, 2])


def test_joint_training_goes_through_earlier_tasks_beside_the_newest(seen):
    of = problem(samples=[20, 9], epochs=1, updates=4)
    base = base_state(of, *base_model(of), 1)
    run_sequence(of, base, streams(1), torch.zeros(1), "none", joint=True)
    assert seen[4:] == [[8, 8], [1, 8], [8, 8], [1, 8]]
