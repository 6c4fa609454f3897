"""Other optimizers than Adam that starts afresh: against a plain loop with torch's own."""

from dataclasses import replace

import pytest
import torch
from builders import base_model, plain_module, problem, streams
from torch.nn import functional

from ewc_lambda.learning.optimizers import Rule, clip, pieces
from ewc_lambda.learning.sequence import (
    base_state,
    concatenated,
    run_sequence,
    train_first_task,
    with_importance,
)

KINDS = pytest.mark.parametrize("stacked", [True, False], ids=["stacked", "looped"])
HEADS = pytest.mark.parametrize("heads", ["per_task", "shared", "growing"])
LAMBDAS = [0.0, 5.0]

RULES = {
    "sgd": Rule("sgd"),
    "sgd with momentum and decay": Rule("sgd", momentum=0.9, weight_decay=0.01),
    "sgd with carried momentum": Rule("sgd", "carried", momentum=0.9),
    "adam with decay": Rule(weight_decay=0.01),
    "carried adam": Rule(optimizer_state="carried"),
    "carried adam with decay": Rule(optimizer_state="carried", weight_decay=0.01),
    "clipped adam": Rule(gradient_clip=0.3),
    "clipped sgd": Rule("sgd", "carried", 0.9, 0.01, gradient_clip=0.3),
}
ALL_RULES = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def trained(of, rule, start=None, joint=False):
    of = replace(of, settings=replace(of.settings, rule=rule))
    start = start or base_state(of, *base_model(of), len(LAMBDAS))
    return run_sequence(
        of, start, streams(len(LAMBDAS)), torch.tensor(LAMBDAS), "weight_decay", joint=joint
    )


def by_torch(of, rule, member, joint=False):
    """Weights (size,) of a member after all tasks, by torch's optimizers and nothing of ours."""
    module = plain_module(of, *base_model(of)).to(torch.float64).train()
    optimizer, anchors = None, []
    for stage in range(of.tasks):
        if optimizer is None or rule.optimizer_state == "reset":
            optimizer = torch_optimizer(module, rule, of.settings.learning_rate)
        for epoch in range(of.settings.epochs):
            for x, y, route in batches(of, stage, epoch, member, joint):
                losses = [
                    functional.cross_entropy(module(part, *way), label)
                    for part, label, way in zip(x, y, route, strict=True)
                ]
                loss = sum(losses) / len(losses)
                held = list(shared_parameters(of, module))
                for anchor in anchors:
                    moved = [(p - a).square().sum() for p, a in zip(held, anchor, strict=True)]
                    loss = loss + LAMBDAS[member] / 2 * sum(moved)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                if rule.gradient_clip is not None:
                    torch.nn.utils.clip_grad_norm_(module.parameters(), rule.gradient_clip)
                optimizer.step()
        if not joint:
            anchors.append([p.detach().clone() for p in shared_parameters(of, module)])
    return of.layout.join(dict(module.named_parameters()), "parameters").detach()


def torch_optimizer(module, rule, rate):
    if rule.optimizer == "adam":
        return torch.optim.Adam(module.parameters(), lr=rate, weight_decay=rule.weight_decay)
    return torch.optim.SGD(
        module.parameters(), lr=rate, momentum=rule.momentum, weight_decay=rule.weight_decay
    )


def shared_parameters(of, module):
    names = of.layout.split_shared(torch.zeros(of.layout.shared))
    return [dict(module.named_parameters())[name] for name in names]


def batches(of, stage, epoch, member, joint):
    """Inputs, labels and routes of each batch: of the newest task, then of the earlier ones."""
    size, stream = of.settings.batch_size, streams(len(LAMBDAS))[member]
    count = len(of.train[stage])
    order = stream.generator("order", stage, epoch).permutation(count)
    earlier = range(stage) if joint else ()
    orders = {
        task: stream.generator("rehearsal", stage, epoch, task).permutation(len(of.train[task]))
        for task in earlier
    }
    for first in range(0, count, size):
        rows = {stage: order[first : first + size]}
        rows |= {t: [o[(first + i) % len(o)] for i in range(size)] for t, o in orders.items()}
        taken = [of.train[task].take(torch.tensor(list(r))) for task, r in rows.items()]
        x, y = zip(*taken, strict=True)
        yield x, y, [of.network.route(task, stage) for task in rows]


@ALL_RULES
@HEADS
@KINDS
def test_two_tasks_end_where_a_plain_loop_of_torch_ends(rule, heads, stacked):
    of = problem(heads=heads, stacked=stacked, samples=44, epochs=1, dtype=torch.float64)
    found = trained(of, rule).theta
    for member in range(len(LAMBDAS)):
        expected = by_torch(of, rule, member)
        torch.testing.assert_close(found[member], expected, rtol=1e-9, atol=1e-10)


@ALL_RULES
def test_three_tasks_trained_jointly_end_where_a_plain_loop_ends(rule):
    of = problem(tasks=3, samples=[17, 9, 12], epochs=2, dtype=torch.float64)
    found = trained(of, rule, joint=True).theta
    torch.testing.assert_close(found[0], by_torch(of, rule, 0, joint=True), rtol=1e-9, atol=1e-10)


def test_the_rules_differ():
    of = problem(samples=44, epochs=1)
    ends = [trained(of, rule).theta for rule in (Rule(), *RULES.values())]
    for place, one in enumerate(ends):
        assert not any(torch.equal(one, other) for other in ends[:place])


@ALL_RULES
@KINDS
def test_sharing_the_first_task_gives_the_bits_of_a_whole_run(rule, stacked):
    of = problem(tasks=3, stacked=stacked, rule=rule)
    base = base_state(of, *base_model(of), len(LAMBDAS))
    first, omegas = train_first_task(of, base, streams(len(LAMBDAS)), ["weight_decay"])
    shared = trained(of, rule, with_importance(of, first, omegas["weight_decay"]))
    assert torch.equal(shared.theta, trained(of, rule).theta)


def test_what_is_remembered_goes_with_its_member():
    rule = Rule(optimizer_state="carried")
    of = problem(tasks=3, stacked=False, rule=rule)
    base = base_state(of, *base_model(of), len(LAMBDAS))
    first, omegas = train_first_task(of, base, streams(len(LAMBDAS)), ["weight_decay"])
    start = with_importance(of, first, omegas["weight_decay"])
    rows = [start.rows(slice(0, 1)), start.rows(slice(1, 2))]
    again = trained(of, rule, concatenated(rows))
    assert torch.equal(again.theta, trained(of, rule, start).theta)
    swapped = trained(of, rule, replace(start, memory=concatenated(rows[::-1]).memory))
    assert not torch.equal(swapped.theta, again.theta)


def test_a_start_is_not_changed_by_the_runs_from_it():
    rule = Rule("sgd", "carried", 0.9)
    of = problem(rule=rule)
    base = base_state(of, *base_model(of), len(LAMBDAS))
    first, _ = train_first_task(of, base, streams(len(LAMBDAS)), [])
    kept = {name: tensor.clone() for name, tensor in first.memory.items()}
    trained(of, rule, first)
    assert kept.keys() == first.memory.keys() == {"velocity"}
    assert all(torch.equal(kept[name], first.memory[name]) for name in kept)


@HEADS
def test_pieces_cover_every_weight_once(heads):
    of = problem(heads=heads, tasks=3)
    covered = torch.zeros(of.layout.size)
    for place in pieces(of.network, of.layout):
        covered[place] += 1
    assert (covered == 1).all()


def test_a_gradient_is_cut_to_its_length_and_a_short_one_left():
    gradient = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]], dtype=torch.float64)
    clip(gradient, 1.0)
    expected = torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=0)
