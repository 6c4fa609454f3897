"""Training against a plain loop with torch's own modules and optimizer."""

import itertools

import pytest
import torch
from builders import base_model, members_of, plain_module, problem, streams

from ewc_lambda.learning import training
from ewc_lambda.learning.importance import TRACKERS
from ewc_lambda.learning.members import Members
from ewc_lambda.learning.penalty import Penalty, Term
from ewc_lambda.learning.training import _evaluation_points, evaluate, train_stage

KINDS = pytest.mark.parametrize("stacked", [True, False], ids=["stacked", "looped"])


def plain(count=1):
    return Penalty(torch.zeros(count), [])


def pull(of, count, value, seed=3):
    """A penalty towards weights that are not those where training starts."""
    generator = torch.Generator().manual_seed(seed)
    shape = (count, of.layout.shared)
    kind = next(of.network.parameters()).dtype
    omega = torch.rand(shape, generator=generator).to(kind)
    anchor = torch.randn(shape, generator=generator).to(kind)
    return Penalty(torch.full((count,), value), [Term(omega, anchor)])


def plain_loop(of, stage, stream, lambda_=0.0, term=None):
    """Training on one task as anybody would write it: flat parameters and buffers at the end."""
    module = plain_module(of, *base_model(of)).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=of.settings.learning_rate)
    named = dict(module.named_parameters())
    x, y = of.train[stage].take(slice(None))
    for epoch in range(of.settings.epochs):
        order = stream.generator("order", stage, epoch).permutation(len(x))
        for start in range(0, len(x), of.settings.batch_size):
            rows = order[start : start + of.settings.batch_size]
            logits = module(x[rows], *of.network.route(stage, stage))
            loss = torch.nn.functional.cross_entropy(logits, y[rows])
            if term is not None:
                omegas = of.layout.split_shared(term.omega[0])
                anchors = of.layout.split_shared(term.anchor[0])
                for name, omega in omegas.items():
                    loss = loss + lambda_ / 2 * (omega * (named[name] - anchors[name]) ** 2).sum()
            optimizer.zero_grad(set_to_none=False)
            # Adam moves what has a gradient of zero, too, once it had another.
            for parameter in named.values():
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
            loss.backward()
            optimizer.step()
    return (
        of.layout.join(named, "parameters").detach(),
        of.layout.join(dict(module.named_buffers()), "buffers"),
    )


@KINDS
@pytest.mark.parametrize("model", ["mlp", "original_cnn"])
def test_training_is_that_of_a_plain_loop(model, stacked):
    of = problem(model=model, stacked=stacked, batch_size=6, dtype=torch.float64)
    members = members_of(of, 2)
    train_stage(of, members, 1, streams(2), plain(2), [])
    for member, stream in enumerate(streams(2)):
        theta, buffers = plain_loop(of, 1, stream)
        torch.testing.assert_close(members.theta[member], theta, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(members.buffers[member], buffers, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(members.theta[0], members.theta[1], atol=1e-3)


@KINDS
def test_training_with_a_penalty_is_that_of_a_plain_loop_with_the_penalty_in_its_loss(stacked):
    of = problem(stacked=stacked, batch_size=6, dtype=torch.float64)
    members = members_of(of, 1)
    penalty = pull(of, 1, 0.7)
    train_stage(of, members, 1, streams(1), penalty, [])
    theta, _ = plain_loop(of, 1, streams(1)[0], 0.7, penalty.terms[0])
    torch.testing.assert_close(members.theta[0], theta, rtol=1e-5, atol=1e-7)
    without, _ = plain_loop(of, 1, streams(1)[0])
    assert not torch.allclose(members.theta[0], without, atol=1e-2)


@KINDS
def test_lambda_of_zero_is_plain_training_to_the_bit(stacked):
    seen = []
    for penalty in (plain(2), pull(problem(), 2, 0.0)):
        of = problem(stacked=stacked)
        members = members_of(of, 2)
        history, _ = train_stage(of, members, 1, streams(2), penalty, [])
        seen.append((members.theta, torch.stack(history.loss), torch.stack(history.penalty)))
    for one, other in zip(*seen, strict=True):
        assert torch.equal(one, other)


@KINDS
def test_members_of_several_lambdas_are_those_of_one_lambda_each(stacked):
    of = problem(stacked=stacked)
    together = members_of(of, 2)
    both = pull(of, 2, 0.0)
    both = Penalty(torch.tensor([0.0, 5.0]), both.terms)
    same = [streams(1)[0]] * 2
    train_stage(of, together, 1, same, both, [])
    for member, value in enumerate((0.0, 5.0)):
        alone = members_of(of, 1)
        (term,) = both.terms
        own = slice(member, member + 1)
        penalty = Penalty(torch.tensor([value]), [Term(term.omega[own], term.anchor[own])])
        train_stage(of, alone, 1, same[:1], penalty, [])
        torch.testing.assert_close(together.theta[member], alone.theta[0], rtol=1e-4, atol=1e-5)


class Watched:
    """Takes note of the parts of every batch."""

    def __init__(self, monkeypatch):
        self.batches = []
        original = Members.backward

        def backward(members, parts, **how):
            self.batches.append(parts)
            original(members, parts, **how)

        monkeypatch.setattr(Members, "backward", backward)


def keys(x):
    return [row.numpy().tobytes() for row in x]


def test_every_epoch_goes_through_every_sample_once_in_a_new_order(monkeypatch):
    of = problem(samples=20, batch_size=8)
    watched = Watched(monkeypatch)
    train_stage(of, members_of(of, 2), 0, streams(2), plain(2), [])
    assert [parts[0].x.shape[1] for parts in watched.batches] == [8, 8, 4] * 2
    for member in range(2):
        epochs = [
            [key for parts in half for key in keys(parts[0].x[member])]
            for half in (watched.batches[:3], watched.batches[3:])
        ]
        assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(keys(of.train[0].x))
        assert epochs[0] != epochs[1]
    assert not torch.equal(watched.batches[0][0].x[0], watched.batches[0][0].x[1])


def test_equal_streams_see_equal_batches_and_inputs_stay_with_their_labels(monkeypatch):
    of = problem()
    watched = Watched(monkeypatch)
    stream = streams(1)[0]
    train_stage(of, members_of(of, 2), 0, [stream, stream], plain(2), [])
    labels = dict(zip(keys(of.train[0].x), of.train[0].y.tolist(), strict=True))
    for (part,) in watched.batches:
        assert torch.equal(part.x[0], part.x[1])
        assert [labels[key] for key in keys(part.x[0])] == part.y[0].tolist()


def test_joint_updates_average_a_batch_of_every_task_so_far(monkeypatch):
    of = problem(tasks=3, samples=[5, 30, 12], batch_size=8, heads="growing", epochs=2)
    watched = Watched(monkeypatch)
    train_stage(of, members_of(of, 2), 2, streams(2), plain(2), [], joint=True)
    known = [dict(zip(keys(s.x), s.y.tolist(), strict=True)) for s in of.train]
    assert len(watched.batches) == 2 * 2
    seen = [set(), set(), set()]
    for number, parts in enumerate(watched.batches):
        tasks = [next(k for k in range(3) if keys(p.x[0])[0] in known[k]) for p in parts]
        assert sorted(tasks) == [0, 1, 2]
        for task, part in zip(tasks, parts, strict=True):
            assert part.route == (0, 9)
            for member in range(2):
                labels = [known[task][key] for key in keys(part.x[member])]
                assert labels == part.y[member].tolist()
            seen[task] |= set(keys(part.x[0]))
            # The newest task's last batch is what is left of it; earlier tasks' are whole.
            expected = (8, 4)[number % 2] if task == 2 else 8
            assert part.x.shape[1] == expected
    # The newest task is gone through; so is an earlier one with few samples.
    assert seen[2] == set(known[2])
    assert seen[0] == set(known[0])


def test_joint_training_on_the_first_task_is_plain_training():
    thetas = []
    for joint in (False, True):
        of = problem()
        members = members_of(of, 1)
        train_stage(of, members, 0, streams(1), plain(1), [], joint=joint)
        thetas.append(members.theta)
    assert torch.equal(*thetas)


def test_the_optimizer_starts_afresh_with_each_task():
    of = problem(epochs=1, batch_size=20, learning_rate=0.01)
    members = members_of(of, 1)
    train_stage(of, members, 0, streams(1), plain(1), [])
    before = members.theta.clone()
    train_stage(of, members, 1, streams(1), plain(1), [])
    # Adam's first step is the learning rate in the direction of the gradient's sign.
    moved = (members.theta - before).abs()
    assert moved.max().item() == pytest.approx(0.01, rel=1e-3)
    # The first task's own head has no gradient, and no momentum from before.
    head = of.layout.split_parameters(moved)["heads.0.weight"]
    assert (head == 0).all()


@KINDS
def test_evaluations_hold_loss_and_accuracy_of_every_task_and_the_penalty_apart(stacked):
    of = problem(tasks=3, stacked=stacked, epochs=2, evaluations_per_epoch=3, samples=40)
    members, penalty = members_of(of, 2), pull(problem(tasks=3), 2, 2.0)
    calls = []
    history, _ = train_stage(
        of,
        members,
        1,
        streams(2),
        penalty,
        [],
        progress=lambda stage, done, total, seen: calls.append((stage, done, total)),
    )
    assert calls == [(1, done, 6) for done in range(1, 7)]
    assert len(history.loss) == len(history.accuracy) == len(history.penalty) == 6
    last = history.loss[-1]
    assert last.shape == (2, 3)
    for task in range(3):
        loss, accuracy = members.evaluate(of.selection[task], of.network.route(task, 1))
        assert torch.equal(last[:, task], loss)
        assert torch.equal(history.accuracy[-1][:, task], accuracy)
    (term,) = penalty.terms
    squares = (term.omega * (members.shared - term.anchor) ** 2).double().sum(dim=1)
    torch.testing.assert_close(history.penalty[-1], squares * 2.0 / 2, rtol=1e-5, atol=0)


def test_evaluations_change_nothing_in_training():
    thetas = []
    for evaluations in (1, 3):
        of = problem(model="original_cnn", stacked=False, evaluations_per_epoch=evaluations)
        members = members_of(of, 1)
        train_stage(of, members, 0, streams(1), plain(1), [])
        thetas.append(torch.cat([members.theta, members.buffers], dim=1))
    assert torch.equal(*thetas)


@pytest.mark.parametrize("evaluations", [1, 2, 3, 5, 7, 11])
def test_evaluations_are_spread_evenly_and_end_with_the_epoch(evaluations):
    for batches in range(evaluations, 60):
        points = _evaluation_points(batches, evaluations)
        assert len(points) == len(set(points)) == evaluations
        assert points[-1] == batches
        assert points[0] >= 1
        for number, point in enumerate(points, start=1):
            assert abs(point - number * batches / evaluations) <= 0.5


def test_evaluate_opens_a_history_with_one_entry():
    of = problem(tasks=2)
    history = evaluate(of, members_of(of, 3), 0, plain(3), 0.0)
    assert [len(part) for part in (history.loss, history.accuracy, history.penalty)] == [1, 1, 1]
    assert history.loss[0].shape == (3, 2)


def test_trackers_see_the_path_of_the_weights_and_the_gradient_of_the_task_alone(monkeypatch):
    of = problem(batch_size=8)
    path = []

    class Recorder:
        def __init__(self, theta):
            self.start = theta.clone()

        def update(self, before, after, task_gradient):
            path.append((before.clone(), after.clone(), task_gradient.clone()))

        def omega(self, theta):
            return torch.ones_like(theta)

    monkeypatch.setitem(training.TRACKERS, "sign_flipping", Recorder)
    watched = Watched(monkeypatch)
    members = members_of(of, 2)
    start = members.shared.clone()
    train_stage(of, members, 1, streams(2), pull(of, 2, 5.0), ["sign_flipping"])
    assert len(path) == len(watched.batches) == 6
    assert torch.equal(path[0][0], start)
    assert torch.equal(path[-1][1], members.shared)
    for (_, after, _), (before, _, _) in itertools.pairwise(path):
        assert torch.equal(after, before)
    fresh = members_of(of, 2)
    fresh.backward(watched.batches[0])
    torch.testing.assert_close(path[0][2], fresh.gradient[:, : of.layout.shared])


def test_tracking_changes_nothing_in_training():
    thetas = []
    for names in ([], list(TRACKERS)):
        of = problem()
        members = members_of(of, 2)
        train_stage(of, members, 1, streams(2), pull(of, 2, 5.0), names)
        thetas.append(members.theta)
    assert torch.equal(*thetas)


@pytest.mark.parametrize("name", TRACKERS)
def test_trackers_in_training_tell_weights_apart(name):
    # The original's trackers held references to live weights, saw no change, and were all ones.
    of = problem(epochs=4, learning_rate=0.05)
    _, omegas = train_stage(of, members_of(of, 2), 0, streams(2), plain(2), [name])
    omega = omegas[name]
    assert omega.shape == (2, of.layout.shared)
    assert omega.unique().numel() > 2


def test_importance_is_of_samples_spread_over_the_task_and_normalized():
    """Evenly: files are often sorted by class."""
    of = problem(importance_samples=5)
    members = members_of(of, 1)
    _, omegas = train_stage(of, members, 1, streams(1), plain(1), ["fisher", "weight_decay"])
    assert list(omegas) == ["fisher", "weight_decay"]
    few = problem(samples=5)
    rows = [len(of.train[1]) * i // 5 for i in range(5)]
    assert rows[-1] >= len(of.train[1]) // 2
    few.train[1] = type(of.train[1])(of.train[1].x[rows], of.train[1].y[rows])
    expected = training._importance(few, members, 1, streams(1), ["fisher"], {})["fisher"]
    assert torch.equal(omegas["fisher"], expected)
    scaled = problem(importance_samples=5, normalize="max")
    found = training._importance(scaled, members, 1, streams(1), ["fisher"], {})["fisher"]
    torch.testing.assert_close(found, expected / expected.max())


def test_training_that_diverges_ends_with_losses_that_are_not_finite():
    of = problem(loss="mean_squared_error", learning_rate=100.0)
    of.train[0].y.fill_(1e38)
    history, _ = train_stage(of, members_of(of, 1), 0, streams(1), plain(1), [])
    assert not torch.stack(history.loss).isfinite().all()
