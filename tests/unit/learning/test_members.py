"""Members of a set, stacked and looped, against a plain torch module and against each other."""

import pytest
import torch
from builders import base_model, made_up_samples, members_of, plain_module, problem

from ewc_lambda.learning import members as members_module
from ewc_lambda.learning.members import Part, Samples, stack_by_default

KINDS = pytest.mark.parametrize("stacked", [True, False], ids=["stacked", "looped"])
MODELS = pytest.mark.parametrize("model", ["mlp", "original_cnn", "small_cnn"])


def spread(of, count):
    """Weights (members, size) around the base model."""
    theta, buffers = base_model(of)
    noise = torch.randn(count, len(theta), generator=torch.Generator().manual_seed(3))
    return theta + 0.05 * noise.to(theta), buffers.expand(count, -1)


def batch(of, task, rows, stage=None):
    """A part for members of which each sees other rows."""
    x, y = of.train[task].take(torch.as_tensor(rows))
    return Part(x, y, of.network.route(task, task if stage is None else stage))


@KINDS
@MODELS
@pytest.mark.parametrize("count", [1, 2])
def test_gradient_and_buffers_are_those_of_a_plain_module(count, model, stacked):
    of = problem(model=model, stacked=stacked, dtype=torch.float64)
    theta, buffers = spread(of, count)
    members = members_of(of, theta=theta, buffers=buffers)
    part = batch(of, 0, [[0, 1, 2, 3], [4, 5, 6, 7]][:count])
    members.backward([part])
    for member in range(count):
        module = plain_module(of, theta[member], buffers[member])
        module.train()
        logits = module(part.x[member], *part.route)
        torch.nn.functional.cross_entropy(logits, part.y[member]).backward()
        gradients = {
            name: torch.zeros_like(p) if p.grad is None else p.grad
            for name, p in module.named_parameters()
        }
        expected = of.layout.join(gradients, "parameters")
        torch.testing.assert_close(members.gradient[member], expected)
        moved = of.layout.join(dict(module.named_buffers()), "buffers")
        torch.testing.assert_close(members.buffers[member], moved)
    if model == "original_cnn":
        assert not torch.equal(members.buffers, buffers)


@KINDS
def test_gradient_of_several_parts_is_the_mean_over_them(stacked):
    of = problem(stacked=stacked)
    members = members_of(of, 2)
    parts = [batch(of, 0, [[0, 1, 2], [3, 4, 5]]), batch(of, 1, [[0, 1], [2, 3]])]
    alone = []
    for part in parts:
        members.backward([part])
        alone.append(members.gradient.clone())
    members.backward(parts)
    torch.testing.assert_close(members.gradient, (alone[0] + alone[1]) / 2)


@KINDS
def test_a_second_backward_does_not_add_to_the_first(stacked):
    of = problem(stacked=stacked)
    members = members_of(of, 2)
    part = batch(of, 0, [[0, 1, 2], [3, 4, 5]])
    members.backward([part])
    first = members.gradient.clone()
    members.backward([part])
    assert torch.equal(members.gradient, first)


@KINDS
@MODELS
@pytest.mark.parametrize("count", [1, 2])
def test_evaluation_is_the_mean_over_samples_of_a_plain_module_in_evaluation_mode(
    count, model, stacked, monkeypatch
):
    # Chunks that do not divide the number of samples.
    monkeypatch.setattr(members_module, "STACKED_BATCH", 5)
    monkeypatch.setattr(members_module, "LOOPED_BATCH", 5)
    of = problem(model=model, stacked=stacked)
    theta, buffers = spread(of, count)
    buffers = buffers + 0.1
    members = members_of(of, theta=theta, buffers=buffers)
    loss, accuracy = members.evaluate(of.selection[1], of.network.route(1, 1))
    assert loss.dtype == accuracy.dtype == torch.float64
    x, y = of.selection[1].take(slice(None))
    for member in range(count):
        module = plain_module(of, theta[member], buffers[member]).eval()
        with torch.no_grad():
            logits = module(x, 1, 3)
        expected = torch.nn.functional.cross_entropy(logits, y)
        torch.testing.assert_close(loss[member].float(), expected, rtol=1e-5, atol=1e-6)
        assert accuracy[member].item() == pytest.approx((logits.argmax(1) == y).double().mean())
    assert torch.equal(members.buffers, buffers)
    assert torch.equal(members.theta, theta)


def test_one_member_needs_nothing_that_vmap_cannot_answer(monkeypatch):
    """Batch normalization on a GPU asks for how its pictures lie in memory."""
    once = torch.nn.BatchNorm2d.forward

    def asking(layer, x):
        x.is_contiguous(memory_format=torch.channels_last)
        return once(layer, x)

    monkeypatch.setattr(torch.nn.BatchNorm2d, "forward", asking)
    of = problem(model="original_cnn", stacked=True)
    members = members_of(of, 1)
    members.backward([batch(of, 0, [[0, 1, 2, 3]])])
    members.evaluate(of.selection[0], of.network.route(0, 0))


@KINDS
def test_evaluation_of_a_regression_has_a_loss_and_no_accuracy(stacked):
    of = problem(loss="mean_squared_error", stacked=stacked)
    members = members_of(of, 2)
    loss, accuracy = members.evaluate(of.selection[0], (0, 3))
    x, y = of.selection[0].take(slice(None))
    theta, buffers = base_model(of)
    logits = plain_module(of, theta, buffers)(x, 0, 3)
    expected = (logits - y).square().mean().item()
    assert loss.tolist() == pytest.approx([expected] * 2, rel=1e-5)
    assert accuracy.isnan().all()


@MODELS
def test_stacked_and_looped_members_take_the_same_steps_within_tolerance(model):
    seen = {}
    for stacked in (True, False):
        of = problem(model=model, stacked=stacked)
        theta, buffers = spread(of, 3)
        members = members_of(of, theta=theta, buffers=buffers)
        for number in range(3):
            rows = torch.arange(12).view(3, 4) + number
            members.backward([batch(of, 0, rows)])
            members.theta -= 0.01 * members.gradient
        evaluation = members.evaluate(of.selection[0], of.network.route(0, 0))
        seen[stacked] = (members.theta, members.buffers, *evaluation)
    for one, other in zip(seen[True], seen[False], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@MODELS
def test_looped_members_have_the_bits_of_each_alone(model):
    of = problem(model=model, stacked=False)
    theta, buffers = spread(of, 3)
    together = members_of(of, theta=theta, buffers=buffers)
    rows = torch.arange(12).view(3, 4)
    together.backward([batch(of, 0, rows)])
    for member in range(3):
        own = slice(member, member + 1)
        alone = members_of(of, theta=theta[own], buffers=buffers[own])
        alone.backward([batch(of, 0, rows[own])])
        assert torch.equal(alone.gradient[0], together.gradient[member])
        assert torch.equal(alone.buffers[0], together.buffers[member])


@KINDS
def test_members_work_on_copies_of_what_they_are_given(stacked):
    of = problem(stacked=stacked)
    theta, buffers = base_model(of)
    members = members_of(of, theta=theta.unsqueeze(0), buffers=buffers.unsqueeze(0))
    before = theta.clone()
    members.theta += 1
    assert torch.equal(theta, before)
    assert not torch.equal(members.theta[0], before)


@KINDS
def test_a_change_of_theta_in_place_is_seen_by_the_next_evaluation(stacked):
    of = problem(stacked=stacked)
    members = members_of(of, 1)
    with torch.no_grad():
        members.theta.zero_()
    loss, _ = members.evaluate(of.selection[0], (0, 3))
    # All weights zero: every class has a third.
    assert loss.item() == pytest.approx(torch.log(torch.tensor(3.0)).item(), rel=1e-6)


def test_samples_give_images_with_the_channels_in_front():
    x = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    samples = Samples(x, torch.tensor([0, 1]))
    taken, labels = samples.take(torch.tensor([[1], [0]]))
    assert taken.shape == (2, 1, 5, 3, 4)
    assert taken[0, 0, 2, 1, 3] == x[1, 1, 3, 2]
    assert labels.tolist() == [[1], [0]]
    flat = made_up_samples(0, 0, 4, (6,), 3)
    assert torch.equal(flat.take(slice(0, 2))[0], flat.x[:2])
    assert len(flat) == 4


def test_members_are_stacked_by_default_but_for_convolutions_on_a_cpu():
    dense, convolutions = problem().network, problem(model="original_cnn").network
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert stack_by_default(dense, cpu)
    assert not stack_by_default(convolutions, cpu)
    assert stack_by_default(convolutions, gpu)
