"""Posterior measures other than Fisher information, and all measures by name and scale."""

import math
import sys

import pytest
import torch
from builders import streams
from finished_tasks import SAMPLES, deep_task, flat, gradients_by_loop, linear_task

from ewc_lambda.learning.importance import IMPORTANCE, POSTERIOR, normalized

# ------------------------------------------------------------------ other posterior measures


def test_memory_aware_synapses_of_a_dense_layer_by_hand():
    # d |z|^2 / dW_kj = 2 z_k x_j and d |z|^2 / db_k = 2 z_k, in absolute value.
    done, logits = linear_task("softmax_cross_entropy")
    weight = (2 * logits).abs().T @ done.x.abs() / SAMPLES
    expected = flat(done, weight, (2 * logits).abs().mean(dim=0))
    torch.testing.assert_close(POSTERIOR["memory_aware_synapses"](done)[0], expected)


def test_memory_aware_synapses_of_a_deep_network_is_the_gradient_of_the_squared_length():
    done = deep_task("softmax_cross_entropy")
    rows = gradients_by_loop(done, lambda z, n: z.square().sum())
    found = POSTERIOR["memory_aware_synapses"](done)[0]
    torch.testing.assert_close(found, rows.abs().mean(dim=0))


def test_weight_magnitude_is_the_absolute_value_and_a_copy():
    done = deep_task("softmax_cross_entropy")
    found = POSTERIOR["weight_magnitude"](done)
    expected = done.shared.abs().clone()
    assert torch.equal(found, expected)
    done.theta.zero_()
    assert torch.equal(found, expected)


def test_weight_decay_is_one_and_none_is_zero():
    done = deep_task("softmax_cross_entropy", members=2)
    assert (POSTERIOR["weight_decay"](done) == 1).all()
    assert (POSTERIOR["none"](done) == 0).all()
    assert POSTERIOR["weight_decay"](done).shape == (2, done.layout.shared)
    assert POSTERIOR["none"](done).shape == (2, done.layout.shared)


def test_random_is_uniform_and_comes_from_the_stream_of_each_member():
    done = deep_task("softmax_cross_entropy", members=200)
    found = POSTERIOR["random"](done)
    assert ((found >= 0) & (found < 1)).all()
    # Uniform: mean 1/2, variance 1/12.
    count = found.numel()
    assert abs(found.mean().item() - 0.5) < 5 * math.sqrt(1 / 12 / count)
    assert found.var().item() == pytest.approx(1 / 12, rel=0.05)
    assert not torch.equal(found[0], found[1])
    assert torch.equal(POSTERIOR["random"](done), found)
    first = streams(1)[0].generator("importance", 0).random(done.layout.shared)
    assert torch.equal(found[0], torch.from_numpy(first))


@pytest.mark.parametrize("name", POSTERIOR)
def test_every_posterior_measure_is_finite_and_never_negative(name):
    done = deep_task("softmax_cross_entropy", members=2)
    omega = POSTERIOR[name](done)
    assert omega.shape == (2, done.layout.shared)
    assert omega.dtype == done.theta.dtype
    assert omega.isfinite().all()
    assert (omega >= 0).all()


# ------------------------------------------------------------------ all


@pytest.mark.parametrize("name", POSTERIOR)
def test_no_measure_has_torch_import_its_compiler(name, monkeypatch):
    # Half a second of each job, for what is never used: sympy comes with it.
    monkeypatch.setitem(sys.modules, "torch.fx.experimental.symbolic_shapes", None)
    POSTERIOR[name](deep_task("softmax_cross_entropy", members=2))


def test_all_measures_of_the_study_are_named():
    assert set(IMPORTANCE) == {
        *("none", "weight_decay", "sign_flipping", "momentum_based", "weight_change", "fisher"),
        *("fisher_exact", "fisher_sampled", "fisher_empirical", "synaptic_intelligence"),
        *("fisher_predicted", "fisher_batched", "fisher_reversed"),
        *("memory_aware_synapses", "weight_magnitude", "random"),
    }
    assert len(IMPORTANCE) == len(set(IMPORTANCE))


OMEGA = torch.tensor([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0], [0.5, 0.0, 1.0]])


def test_normalize_none_leaves_omega_as_it_is():
    assert torch.equal(normalized(OMEGA, "none"), OMEGA)


def test_normalize_mean_divides_each_member_by_its_mean():
    expected = [[1 / 3, 2 / 3, 2.0], [0.0, 0.0, 0.0], [1.0, 0.0, 2.0]]
    torch.testing.assert_close(normalized(OMEGA, "mean"), torch.tensor(expected))


def test_normalize_max_divides_each_member_by_its_maximum():
    expected = [[1 / 6, 1 / 3, 1.0], [0.0, 0.0, 0.0], [0.5, 0.0, 1.0]]
    torch.testing.assert_close(normalized(OMEGA, "max"), torch.tensor(expected))
