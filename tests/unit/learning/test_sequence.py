"""Sequences of tasks: sharing the first task, the extremes of lambda, and several tasks."""

import pytest
import torch
from builders import base_model, problem, streams

from ewc_lambda.learning.members import Members
from ewc_lambda.learning.sequence import (
    base_state,
    concatenated,
    run_sequence,
    train_first_task,
    with_importance,
)
from ewc_lambda.learning.training import History

KINDS = pytest.mark.parametrize("stacked", [True, False], ids=["stacked", "looped"])
MODELS = pytest.mark.parametrize("model", ["mlp", "original_cnn"])


def whole_run(of, lambdas, importance="fisher", joint=False, own=None):
    """All tasks from the base model."""
    own = own or streams(len(lambdas))
    base = base_state(of, *base_model(of), len(lambdas))
    return run_sequence(of, base, own, torch.tensor(lambdas), importance, joint=joint)


def shared_run(of, lambdas, importance="fisher", joint=False):
    """The same from the end of a first task that all lambdas share."""
    own = streams(len(lambdas))
    base = base_state(of, *base_model(of), len(lambdas))
    first, omegas = train_first_task(of, base, own, ["none", importance])
    start = with_importance(of, first, omegas[importance])
    return run_sequence(of, start, own, torch.tensor(lambdas), importance, joint=joint)


def tensors(state):
    history = state.history
    curves = [torch.stack(part) for part in (history.loss, history.accuracy, history.penalty)]
    terms = [tensor for term in state.terms for tensor in (term.omega, term.anchor)]
    return [state.theta, state.buffers, *curves, *terms]


def assert_same_bits(one, other):
    for a, b in zip(tensors(one), tensors(other), strict=True):
        assert torch.equal(a, b)


def moved(of, state):
    """How far the shared weights went during the last task (members,)."""
    anchor = state.terms[-1].anchor
    return (state.theta[:, : of.layout.shared] - anchor).abs().amax(dim=1)


@KINDS
@MODELS
def test_sharing_the_first_task_gives_the_bits_of_a_whole_run(model, stacked):
    changes = {"model": model, "stacked": stacked, "samples": 12, "epochs": 1 + (model == "mlp")}
    assert_same_bits(
        whole_run(problem(**changes), [3.0, 3.0]), shared_run(problem(**changes), [3.0, 3.0])
    )


@KINDS
@pytest.mark.parametrize("terms", ["separate", "online"])
@pytest.mark.parametrize("importance", ["fisher_sampled", "synaptic_intelligence", "random"])
def test_sharing_gives_the_same_bits_for_three_tasks_and_any_measure(importance, terms, stacked):
    changes = {"tasks": 3, "terms": terms, "decay": 0.5, "stacked": stacked, "heads": "growing"}
    assert_same_bits(
        whole_run(problem(**changes), [3.0, 3.0], importance),
        shared_run(problem(**changes), [3.0, 3.0], importance),
    )


def test_joint_training_from_a_shared_first_task_gives_the_same_bits():
    one, other = (run(problem(tasks=3), [0.0], joint=True) for run in (whole_run, shared_run))
    assert torch.equal(one.theta, other.theta)
    assert torch.equal(torch.stack(one.history.loss), torch.stack(other.history.loss))


def test_a_shared_first_task_serves_several_lambdas_and_is_not_changed_by_them():
    of = problem()
    own = streams(2)
    first, omegas = train_first_task(of, base_state(of, *base_model(of), 2), own, ["fisher"])
    start = with_importance(of, first, omegas["fisher"])
    kept = [tensor.clone() for tensor in tensors(start)]
    runs = [
        run_sequence(of, start, own, torch.full((2,), value), "fisher") for value in (1e3, 0.0, 1e3)
    ]
    for before, after in zip(kept, tensors(start), strict=True):
        assert torch.equal(before, after)
    assert_same_bits(runs[0], runs[2])
    assert not torch.equal(runs[0].theta, runs[1].theta)


@KINDS
@MODELS
def test_lambda_of_zero_gives_the_plain_run_to_the_bit(model, stacked):
    changes = {"model": model, "stacked": stacked, "samples": 12}
    with_measure = whole_run(problem(**changes), [0.0, 0.0], "fisher")
    plain = whole_run(problem(**changes), [0.0, 0.0], "none")
    assert torch.equal(with_measure.theta, plain.theta)
    assert torch.equal(with_measure.buffers, plain.buffers)
    assert torch.equal(torch.stack(with_measure.history.loss), torch.stack(plain.history.loss))
    assert (torch.stack(with_measure.history.penalty) == 0).all()


def test_an_importance_of_zero_gives_the_plain_run_at_any_lambda():
    strong = whole_run(problem(), [1e6, 1e6], "none")
    plain = whole_run(problem(), [0.0, 0.0], "none")
    assert torch.equal(strong.theta, plain.theta)


@KINDS
def test_a_huge_lambda_leaves_shared_weights_where_they_were(stacked):
    of = problem(stacked=stacked, samples=40, epochs=10, learning_rate=1e-3)
    held = moved(of, whole_run(of, [1e6, 1e6], "weight_decay"))
    free = moved(of, whole_run(of, [0.0, 0.0], "weight_decay"))
    # Adam's steps have a length, so held weights still tremble by a few of them.
    assert (free > 0.03).all()
    assert (held < 0.1 * free).all()


def test_weights_move_less_the_larger_lambda_is():
    of = problem(samples=40, epochs=10)
    same = [streams(1)[0]] * 4
    state = whole_run(of, [0.0, 0.1, 1.0, 10.0], "weight_decay", own=same)
    anchor = state.terms[-1].anchor
    far = (state.theta[:, : of.layout.shared] - anchor).square().sum(dim=1)
    assert (far.diff() < 0).all()


def test_heads_of_the_new_task_are_free_at_a_huge_lambda():
    of = problem(samples=40, epochs=10, learning_rate=1e-3)
    state = whole_run(of, [1e6], "weight_decay")
    before = of.layout.split_parameters(base_model(of)[0])["heads.1.weight"]
    after = of.layout.split_parameters(state.theta[0])["heads.1.weight"]
    assert (after - before).abs().max() > 0.02


def test_equal_streams_see_equal_batches_at_every_lambda(monkeypatch):
    batches = []
    original = Members.backward

    def backward(members, parts, **how):
        batches.append([part.x.clone() for part in parts])
        original(members, parts, **how)

    monkeypatch.setattr(Members, "backward", backward)
    seen = []
    for value in (0.0, 1e4):
        whole_run(problem(), [value, value])
        seen.append(list(batches))
        batches.clear()
    assert len(seen[0]) == 2 * 2 * 3
    for one, other in zip(*seen, strict=True):
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a, b)


@KINDS
def test_stacked_and_looped_runs_agree_within_tolerance_and_members_with_each_alone(stacked):
    changes = {"dtype": torch.float64, "samples": 12, "epochs": 1}
    together = whole_run(problem(stacked=stacked, **changes), [2.0, 2.0, 2.0])
    for member, stream in enumerate(streams(3)):
        alone = whole_run(problem(stacked=False, **changes), [2.0], own=[stream])
        if stacked:
            torch.testing.assert_close(together.theta[member], alone.theta[0], rtol=1e-5, atol=1e-7)
        else:
            assert torch.equal(together.theta[member], alone.theta[0])
            for all_losses, loss in zip(together.history.loss, alone.history.loss, strict=True):
                assert torch.equal(all_losses[member], loss[0])


@KINDS
def test_convolutions_with_running_statistics_agree_stacked_and_looped(stacked):
    changes = {"model": "original_cnn", "dtype": torch.float64, "samples": 12, "epochs": 1}
    together = whole_run(problem(stacked=stacked, **changes), [2.0, 2.0])
    for member, stream in enumerate(streams(2)):
        alone = whole_run(problem(stacked=False, **changes), [2.0], own=[stream])
        torch.testing.assert_close(together.theta[member], alone.theta[0], rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(together.buffers[member], alone.buffers[0], rtol=1e-4, atol=1e-6)
        if not stacked:
            assert torch.equal(together.theta[member], alone.theta[0])
            assert torch.equal(together.buffers[member], alone.buffers[0])
    _, start = base_model(problem(**changes))
    assert not torch.allclose(together.buffers[0], start)


@pytest.mark.parametrize(("terms", "expected"), [("separate", 2), ("online", 1)])
def test_every_task_but_the_last_leaves_a_term(terms, expected):
    of = problem(tasks=3, terms=terms, decay=0.5)
    state = whole_run(of, [1.0, 1.0], "weight_decay")
    assert len(state.terms) == expected
    # All ones: once per term, or 0.5 * 1 + 1 in a single one.
    assert (state.terms[-1].omega == (1.0 if terms == "separate" else 1.5)).all()
    assert state.stage == 3


def test_anchors_are_the_weights_at_the_end_of_each_task():
    of = problem(tasks=3)
    state = whole_run(of, [1.0], "weight_decay")
    base = base_state(of, *base_model(of), 1)
    first, _ = train_first_task(of, base, streams(1), [])
    shared = of.layout.shared
    assert torch.equal(state.terms[0].anchor, first.theta[:, :shared])
    assert not torch.equal(state.terms[1].anchor, state.terms[0].anchor)
    assert not torch.equal(state.terms[1].anchor, state.theta[:, :shared])


def test_history_begins_with_the_base_model_and_has_every_evaluation():
    of = problem(tasks=3, epochs=2, evaluations_per_epoch=2, samples=20)
    theta, buffers = base_model(of)
    state = whole_run(of, [1.0, 1.0])
    assert len(state.history.loss) == 1 + 3 * 2 * 2
    members = Members(of.network, of.layout, theta[None], buffers[None], of.settings.loss, True)
    for task in range(3):
        loss, _ = members.evaluate(of.selection[task], of.network.route(task, 0))
        torch.testing.assert_close(state.history.loss[0][:, task], loss.expand(2))
    # The penalty begins with the second task.
    penalties = torch.stack(state.history.penalty)
    assert (penalties[: 1 + 4] == 0).all()
    assert (penalties[1 + 4 :] > 0).all()


def test_training_learns_the_tasks_and_plain_training_forgets():
    of = problem(samples=60, epochs=15, heads="shared")
    plain = whole_run(of, [0.0] * 3, "none")
    joint = whole_run(problem(samples=60, epochs=15, heads="shared"), [0.0] * 3, joint=True)
    own, last = plain.history.accuracy[15], plain.history.accuracy[-1]
    assert (own[:, 0] > 0.8).all()
    assert (last[:, 1] > 0.8).all()
    assert (last[:, 0] < own[:, 0]).all()
    assert (joint.history.loss[-1][:, 0] < plain.history.loss[-1][:, 0]).all()


def test_states_are_joined_and_parted_member_by_member():
    of = problem(tasks=3)
    one, other = (whole_run(of, lambdas) for lambdas in ([1.0, 1.0], [5.0]))
    both = concatenated([one, other])
    assert both.theta.shape == (3, of.layout.size)
    assert_same_bits(both.rows(slice(0, 2)), one)
    assert_same_bits(both.rows(slice(2, 3)), other)
    assert both.stage == both.rows(slice(0, 1)).stage == 3


def test_steps_trained_together_are_those_trained_alone_within_tolerance():
    of = problem(dtype=torch.float64, epochs=1)
    own = streams(2)
    first, omegas = train_first_task(of, base_state(of, *base_model(of), 2), own, ["fisher"])
    start = with_importance(of, first, omegas["fisher"])
    alone = [run_sequence(of, start, own, torch.full((2,), v), "fisher") for v in (0.5, 50.0)]
    lambdas = torch.tensor([0.5, 0.5, 50.0, 50.0])
    together = run_sequence(of, concatenated([start, start]), own * 2, lambdas, "fisher")
    for number, state in enumerate(alone):
        part = together.rows(slice(2 * number, 2 * number + 2))
        for one, same in zip(tensors(state), tensors(part), strict=True):
            torch.testing.assert_close(one, same, rtol=1e-6, atol=1e-8)


def test_joint_training_keeps_no_terms():
    assert whole_run(problem(tasks=3), [0.0], joint=True).terms == []


def test_the_base_state_holds_copies_of_the_base_model():
    of = problem()
    theta, buffers = base_model(of)
    kept = theta.clone()
    state = base_state(of, theta, buffers, 3)
    assert state.theta.shape == (3, of.layout.size)
    state.theta += 1
    assert torch.equal(theta, kept)
    assert isinstance(state.history, History)
    assert state.stage == 0


def test_a_run_that_diverges_is_recorded_to_its_end():
    of = problem(loss="mean_squared_error", learning_rate=50.0)
    of.train[1].y.fill_(1e38)
    state = whole_run(of, [1e30])
    losses = torch.stack(state.history.loss)
    assert len(losses) == 1 + 2 * 2
    assert not losses.isfinite().all()
