"""Augmentation: each change against what it is by hand, and the stream that it is drawn from."""

import numpy as np
import pytest
import torch
from builders import base_model, members_of, problem, streams

from ewc_lambda.learning.augmentation import Augmentation, changed
from ewc_lambda.learning.penalty import Penalty
from ewc_lambda.learning.sequence import base_state, run_sequence
from ewc_lambda.learning.training import train_stage
from ewc_lambda.seeding import Stream

ALL = Augmentation(zoom=0.2, rotation=30, flip=True)
SAME = [1.0, 0.0, 0.0]


def pictures(count=3, side=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 2, side, side, generator=generator, dtype=torch.float64)


def change(x, *drawn):
    return changed(x, torch.tensor(drawn, dtype=torch.float64).expand(len(x), 3))


def test_nothing_drawn_changes_nothing():
    x = pictures()
    torch.testing.assert_close(change(x, SAME), x)


def test_a_mirrored_picture_has_its_columns_reversed():
    x = pictures(side=8)
    torch.testing.assert_close(change(x, [1.0, 0.0, 1.0]), x.flip(-1))


@pytest.mark.parametrize(("degrees", "quarters"), [(90.0, 1), (180.0, 2), (-90.0, -1)])
def test_a_turn_is_counter_clockwise(degrees, quarters):
    x = pictures()
    torch.testing.assert_close(change(x, [1.0, degrees, 0.0]), x.rot90(quarters, (-2, -1)))


def test_a_picture_is_mirrored_before_it_is_turned():
    x = pictures()
    expected = x.flip(-1).rot90(1, (-2, -1))
    torch.testing.assert_close(change(x, [1.0, 90.0, 1.0]), expected)


def test_a_factor_enlarges_around_the_center():
    # On a plane bilinear values are exact: twice as large, it rises half as fast.
    rows, columns = torch.meshgrid(torch.arange(5.0) - 2, torch.arange(9.0) - 4, indexing="ij")
    plane = (3 * columns + rows).double().expand(1, 1, 5, 9)
    torch.testing.assert_close(change(plane, [2.0, 0.0, 0.0]), plane / 2)


def test_outside_is_the_reflection_of_the_picture():
    x = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64).expand(1, 1, 4, 4)
    # Half as large, pixels come from 2 columns apart around the center, 1.5; edges are at -0.5 and
    # 3.5.
    shrunk = change(x, [0.5, 0.0, 0.0])[0, 0, 0]
    at = torch.tensor([-1.5, 0.5, 2.5, 4.5])
    reflected = torch.where(at < -0.5, -1 - at, torch.where(at > 3.5, 7 - at, at))
    torch.testing.assert_close(shrunk, 1 + reflected.double())


def test_a_picture_comes_out_the_same_whatever_stands_beside_it():
    x = pictures(20).float()
    drawn = ALL.draw(np.random.default_rng(0), 20)
    together = changed(x, drawn)
    for row in range(20):
        assert torch.equal(changed(x[row : row + 1], drawn[row : row + 1])[0], together[row])


def test_leading_dimensions_are_kept():
    x, drawn = pictures(6), ALL.draw(np.random.default_rng(0), 6)
    nested = changed(x.view(2, 3, *x.shape[1:]), drawn.view(2, 3, 3))
    assert torch.equal(nested.flatten(0, 1), changed(x, drawn))


def test_draws_fill_the_ranges_and_half_are_mirrored():
    factor, angle, mirrored = ALL.draw(np.random.default_rng(0), 4000).unbind(1)
    for values, low, high in ((factor, 0.8, 1.2), (angle, -30, 30)):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high >= values.max() > high - 0.01 * (high - low)
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.02 * (high - low))
    assert set(mirrored.tolist()) == {0.0, 1.0}
    assert mirrored.mean().item() == pytest.approx(0.5, abs=0.03)


def test_one_change_does_not_alter_what_is_drawn_for_another():
    alone = Augmentation(rotation=30).draw(np.random.default_rng(0), 50)
    assert torch.equal(alone[:, 1], ALL.draw(np.random.default_rng(0), 50)[:, 1])
    assert (alone[:, 0] == 1).all()
    assert (alone[:, 2] == 0).all()


def seen_by_training(stage, monkeypatch, joint=False, samples=20, count=2, branch=()):
    """What each update of a stage sees of each task: (members, B, C, H, W), and the rows."""
    of = problem(model="small_cnn", tasks=2, samples=samples, augmentation=ALL)
    members = members_of(of, count)
    seen = []
    monkeypatch.setattr(members, "backward", lambda parts, **_: seen.append([p.x for p in parts]))
    plain = Penalty(torch.zeros(count), [])
    train_stage(of, members, stage, streams(count, branch=branch), plain, [], joint=joint)
    return of, seen


def test_training_sees_each_sample_changed_as_its_stream_says(monkeypatch):
    of, seen = seen_by_training(0, monkeypatch)
    for member, stream in enumerate(streams(2)):
        for epoch in range(2):
            order = torch.from_numpy(stream.generator("order", 0, epoch).permutation(20))
            drawn = ALL.draw(stream.generator("augmentation", 0, epoch), 20)
            x, _ = of.train[0].take(order)
            expected = changed(x, drawn)
            assert not torch.allclose(expected, x, atol=0.1)
            batches = [parts[0][member] for parts in seen[3 * epoch : 3 * epoch + 3]]
            assert torch.equal(torch.cat(batches), expected)


def test_the_newest_task_is_changed_alike_jointly_and_alone(monkeypatch):
    _, alone = seen_by_training(1, monkeypatch)
    of, joint = seen_by_training(1, monkeypatch, joint=True, samples=[12, 20])
    assert [len(parts) for parts in joint] == [2] * 6
    for one, both in zip(alone, joint, strict=True):
        assert torch.equal(one[0], both[0])
    stream = streams(1)[0]
    order = torch.from_numpy(stream.generator("rehearsal", 1, 0, 0).permutation(12))
    drawn = ALL.draw(stream.generator("augmentation", 1, 0, 0), 24)
    x, _ = of.train[0].take(order[torch.arange(24) % 12])
    earlier = torch.cat([parts[1][0] for parts in joint[:3]])
    assert torch.equal(earlier, changed(x, drawn))


def test_common_streams_see_the_same_pictures_and_others_do_not(monkeypatch):
    _, first = seen_by_training(0, monkeypatch)
    _, again = seen_by_training(0, monkeypatch)
    _, other = seen_by_training(0, monkeypatch, branch=(1, 2, 3))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0][0][0], first[0][0][1])
    assert not torch.equal(first[0][0], other[0][0])


def test_members_train_alike_stacked_and_looped_and_as_alone():
    found = {}
    for stacked in (True, False):
        of = problem(model="small_cnn", augmentation=ALL, stacked=stacked)
        start = base_state(of, *base_model(of), 2)
        found[stacked] = run_sequence(of, start, streams(2), torch.ones(2), "fisher").theta
    torch.testing.assert_close(found[True], found[False], rtol=1e-3, atol=1e-4)
    alone = base_state(of, *base_model(of), 1)
    second = run_sequence(of, alone, [Stream(7, 0, 1)], torch.ones(1), "fisher").theta
    assert torch.equal(second[0], found[False][1])


def test_evaluation_and_importance_see_the_pictures_as_they_are():
    plain, augmented = problem(model="small_cnn"), problem(model="small_cnn", augmentation=ALL)
    losses = [base_state(of, *base_model(of), 1).history.loss[0] for of in (plain, augmented)]
    assert torch.equal(*losses)
    # No update at all: weights, and so the importance, are those of the base model.
    omegas = []
    for of in (plain, augmented):
        members = members_of(of)
        members.backward = lambda parts, **_: None
        _, omega = train_stage(of, members, 0, streams(1), Penalty(torch.zeros(1), []), ["fisher"])
        omegas.append(omega["fisher"])
    assert torch.equal(*omegas)
