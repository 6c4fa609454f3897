"""Importance measures against closed forms, hand calculations and loops with autograd."""

import itertools
import math

import pytest
import torch
from builders import doubles, finished, linear_model, streams
from torch import nn
from torch.nn import functional

from ewc_lambda.importance import (
    IMPORTANCE,
    POSTERIOR,
    SYNAPTIC_DAMPING,
    TRACKERS,
    normalized,
)
from ewc_lambda.losses import score_direction
from ewc_lambda.models import Layout, Network
from ewc_lambda.sample_gradients import Trained, sum_sample_gradients

LOSSES = ("softmax_cross_entropy", "binary_cross_entropy", "mean_squared_error")
SAMPLES, FEATURES, OUTPUTS = 9, 4, 3


def linear_task(loss, members=1, outputs=OUTPUTS):
    """A dense layer alone: softmax, logistic or linear regression. With its inputs and logits."""
    network, layout = linear_model(FEATURES, outputs)
    theta = 0.7 * doubles(layout.size, seed=1)
    x = doubles(SAMPLES, FEATURES, seed=2)
    y = torch.arange(SAMPLES) % outputs
    if loss == "mean_squared_error":
        y = doubles(SAMPLES, outputs, seed=3)
    parts = layout.split_parameters(theta)
    logits = x @ parts["heads.0.weight"].T + parts["heads.0.bias"]
    return finished(network, layout, theta, x, y, loss, members=members), logits


def flat(done, weight, bias):
    """Flat importance of the dense layer."""
    return done.layout.join({"heads.0.weight": weight, "heads.0.bias": bias}, "shared")


def deep_task(loss, members=1):
    """A small network with a hidden layer and a head per task."""
    trunk = nn.Sequential(nn.Linear(FEATURES, 5), nn.Tanh())
    network = Network(trunk, (FEATURES,), [OUTPUTS, 2], "per_task").double()
    layout = Layout.of(network)
    theta = 0.7 * doubles(layout.size, seed=1)
    y = doubles(SAMPLES, OUTPUTS, seed=3)
    if loss != "mean_squared_error":
        y = torch.arange(SAMPLES) % OUTPUTS
    x = doubles(SAMPLES, FEATURES, seed=2)
    return finished(network, layout, theta, x, y, loss, members=members)


def gradients_by_loop(done, function):
    """Gradients by the shared weights of ``function(outputs, sample number)``: (N, shared), one
    backward pass each.
    """
    rows = []
    for number, sample in enumerate(done.x):
        theta = done.theta[0].clone().requires_grad_()
        parts = done.layout.split_parameters(theta)
        outputs = torch.func.functional_call(
            done.network, parts, (sample.unsqueeze(0), *done.route)
        )[0]
        (row,) = torch.autograd.grad(function(outputs, number), theta)
        rows.append(row[: done.layout.shared])
    return torch.stack(rows)


# ------------------------------------------------------------------ Fisher information


def test_exact_fisher_of_logistic_regression_is_p_times_one_minus_p_times_x_squared():
    done, logits = linear_task("binary_cross_entropy", outputs=1)
    p = 1 / (1 + torch.exp(-logits[:, 0]))
    weight = (p * (1 - p)) @ done.x.square() / SAMPLES
    bias = (p * (1 - p)).mean()
    expected = flat(done, weight.unsqueeze(0), bias.unsqueeze(0))
    torch.testing.assert_close(POSTERIOR["fisher_exact"](done)[0], expected)


@pytest.mark.parametrize("loss", LOSSES[:2])
def test_exact_fisher_of_softmax_and_of_several_sigmoids_is_that_of_their_probabilities(loss):
    # d log p_c / dz_k = [c = k] - p_k, whose square has the expectation p_k (1 - p_k).
    done, logits = linear_task(loss)
    p = logits.softmax(1) if loss == "softmax_cross_entropy" else logits.sigmoid()
    variance = p * (1 - p)
    expected = flat(done, variance.T @ done.x.square() / SAMPLES, variance.mean(dim=0))
    torch.testing.assert_close(POSTERIOR["fisher_exact"](done)[0], expected)


def test_exact_fisher_of_a_gaussian_is_the_mean_of_x_squared():
    done, _ = linear_task("mean_squared_error")
    weight = done.x.square().mean(dim=0).expand(OUTPUTS, FEATURES)
    expected = flat(done, weight, torch.ones(OUTPUTS, dtype=torch.float64))
    torch.testing.assert_close(POSTERIOR["fisher_exact"](done)[0], expected)


def test_exact_fisher_of_a_deep_softmax_network_is_the_expectation_over_its_labels():
    done = deep_task("softmax_cross_entropy")
    expected = torch.zeros(done.layout.shared, dtype=torch.float64)
    for label in range(OUTPUTS):
        scores = gradients_by_loop(done, lambda z, n, c=label: z.log_softmax(-1)[c])
        with torch.no_grad():
            logits = torch.func.functional_call(
                done.network, done.layout.split_parameters(done.theta[0]), (done.x, *done.route)
            )
        expected += logits.softmax(-1)[:, label] @ scores.square()
    torch.testing.assert_close(POSTERIOR["fisher_exact"](done)[0], expected / SAMPLES)


def test_exact_fisher_of_a_deep_gaussian_network_sums_the_squares_of_its_outputs_gradients():
    done = deep_task("mean_squared_error")
    expected = sum(
        gradients_by_loop(done, lambda z, n, k=k: z[k]).square().mean(dim=0) for k in range(OUTPUTS)
    )
    torch.testing.assert_close(POSTERIOR["fisher_exact"](done)[0], expected)


@pytest.mark.parametrize("loss", LOSSES[:2])
def test_exact_fisher_is_the_expectation_over_all_labels_of_the_sampled_one(loss):
    done = deep_task(loss)
    theta, route = done.theta[0], done.route
    with torch.no_grad():
        parts = done.layout.split_parameters(theta)
        logits = torch.func.functional_call(done.network, parts, (done.x, *route))
    if loss == "softmax_cross_entropy":
        labels = functional.one_hot(torch.arange(OUTPUTS), OUTPUTS).double()
        p = logits.softmax(-1)
        probabilities = [p[:, c] for c in range(OUTPUTS)]
    else:
        bits = list(itertools.product((0.0, 1.0), repeat=OUTPUTS))
        labels = torch.tensor(bits, dtype=torch.float64)
        p = logits.sigmoid()
        probabilities = [torch.where(label > 0, p, 1 - p).prod(dim=1) for label in labels]
    expected = torch.zeros(done.layout.shared, dtype=torch.float64)
    for label, probability in zip(labels, probabilities, strict=True):
        for n in range(SAMPLES):
            drawn = sum_sample_gradients(
                Trained(done.network, done.layout, theta, done.buffers[0], route),
                done.x[n : n + 1],
                lambda z, start, label=label: score_direction(z, label.expand(1, -1), loss),
                2,
            )
            expected += probability[n] * drawn
    torch.testing.assert_close(POSTERIOR["fisher_exact"](done)[0], expected / SAMPLES)


@pytest.mark.parametrize("loss", LOSSES)
def test_mean_of_many_sampled_fishers_is_the_exact_one_within_its_standard_error(loss):
    draws = 400
    done = deep_task(loss, members=draws)
    sampled = POSTERIOR["fisher_sampled"](done)
    exact = POSTERIOR["fisher_exact"](deep_task(loss))[0]
    error = sampled.std(dim=0) / math.sqrt(draws)
    score = (sampled.mean(dim=0) - exact) / error
    assert (error > 0).all()
    assert score.abs().max() < 4.5
    # Were the labels not those of the model, the mean would be off by far more than that.
    assert error.mean() < 0.05 * exact.mean()


def test_sampled_fisher_depends_on_the_stream_alone():
    done = deep_task("softmax_cross_entropy", members=2)
    first, second = POSTERIOR["fisher_sampled"](done)
    assert not torch.equal(first, second)
    again = POSTERIOR["fisher_sampled"](done)
    assert torch.equal(again, torch.stack([first, second]))


def test_empirical_fisher_of_softmax_regression_by_hand():
    done, logits = linear_task("softmax_cross_entropy")
    residual = functional.one_hot(done.y, OUTPUTS).double() - logits.softmax(1)
    weight = residual.square().T @ done.x.square() / SAMPLES
    expected = flat(done, weight, residual.square().mean(dim=0))
    torch.testing.assert_close(POSTERIOR["fisher_empirical"](done)[0], expected)


def test_empirical_fisher_of_logistic_and_linear_regression_by_hand():
    for loss in LOSSES[1:]:
        done, logits = linear_task(loss)
        target = done.y
        if loss == "binary_cross_entropy":
            target = functional.one_hot(done.y, OUTPUTS).double()
            logits = logits.sigmoid()
        residual = target - logits
        weight = residual.square().T @ done.x.square() / SAMPLES
        expected = flat(done, weight, residual.square().mean(dim=0))
        torch.testing.assert_close(POSTERIOR["fisher_empirical"](done)[0], expected)


def test_empirical_fisher_of_a_deep_network_averages_squares_and_does_not_square_the_average():
    done = deep_task("softmax_cross_entropy")
    scores = gradients_by_loop(done, lambda z, n: z.log_softmax(-1)[done.y[n]])
    found = POSTERIOR["fisher_empirical"](done)[0]
    torch.testing.assert_close(found, scores.square().mean(dim=0))
    assert not torch.allclose(found, scores.mean(dim=0).square())


def test_empirical_fisher_looks_up_the_labels_of_every_chunk(monkeypatch):
    monkeypatch.setattr("ewc_lambda.sample_gradients.CHUNK", 4)
    done = deep_task("softmax_cross_entropy")
    scores = gradients_by_loop(done, lambda z, n: z.log_softmax(-1)[done.y[n]])
    torch.testing.assert_close(POSTERIOR["fisher_empirical"](done)[0], scores.square().mean(dim=0))


def test_sampled_fisher_does_not_depend_on_the_size_of_chunks(monkeypatch):
    done = deep_task("softmax_cross_entropy")
    whole = POSTERIOR["fisher_sampled"](done)
    monkeypatch.setattr("ewc_lambda.sample_gradients.CHUNK", 4)
    torch.testing.assert_close(POSTERIOR["fisher_sampled"](done), whole)


def test_fisher_of_each_member_is_that_of_its_own_weights():
    one = deep_task("softmax_cross_entropy", members=2)
    one.theta[1] *= -0.5
    both = POSTERIOR["fisher"](one)
    alone = deep_task("softmax_cross_entropy")
    assert torch.equal(both[0], POSTERIOR["fisher"](alone)[0])
    alone.theta[0] = one.theta[1]
    assert torch.equal(both[1], POSTERIOR["fisher"](alone)[0])


def test_fisher_means_the_exact_one():
    assert POSTERIOR["fisher"] is POSTERIOR["fisher_exact"]


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


# ------------------------------------------------------------------ trackers


def follow(name, path, gradients=None, final=None):
    """Importance of a path of weights (steps + 1, parameters), handed over as one live tensor
    that is changed in place, as an optimizer does.
    """
    path = torch.tensor(path, dtype=torch.float64).unsqueeze(1)
    live = path[0].clone()
    tracker = TRACKERS[name](live)
    for number, after in enumerate(path[1:]):
        before = live.clone()
        live.copy_(after)
        gradient = torch.zeros_like(live) if gradients is None else gradients[number].clone()
        tracker.update(before, live, gradient)
        # Nobody may hold on to what was handed over.
        before.fill_(torch.nan)
        gradient.fill_(torch.nan)
    omega = tracker.omega(path[-1])
    live.fill_(torch.nan)
    return omega[0].tolist()


PATH = [
    # crosses zero twice; touches zero and returns; passes through zero; starts at zero; never moves
    [1.0, 1.0, 1.0, 0.0, 2.0],
    [-1.0, 0.0, 0.0, 0.0, 2.0],
    [-1.0, 0.0, -1.0, 3.0, 2.0],
    [2.0, 1.0, -2.0, 1.0, 2.0],
]


def test_sign_flipping_on_a_path_by_hand():
    # An exact zero is no sign: touching it is no flip, passing through it is one.
    assert follow("sign_flipping", PATH) == [1 / 3, 1.0, 1 / 2, 1.0, 1.0]


def test_momentum_based_on_a_path_by_hand():
    # Steps: -2, 0, +3 | -1, 0, +1 | -1, -1, -1 | 0, +3, -2 | none. A rest is no direction.
    assert follow("momentum_based", PATH) == [1 / 2, 1 / 2, 1.0, 1 / 2, 1.0]


def test_weight_change_on_a_path_by_hand():
    assert follow("weight_change", PATH) == [1 / 6, 1 / 3, 1 / 4, 1 / 6, 1.0]


def test_synaptic_intelligence_on_a_path_by_hand():
    gradients = torch.tensor(
        [[3.0, 1.0, 0.0, 7.0, 9.0], [5.0, 1.0, 2.0, -1.0, 9.0], [-1.0, -2.0, 1.0, 0.5, 9.0]],
        dtype=torch.float64,
    ).unsqueeze(1)
    # The drop is minus the sum of gradient times step, the importance that over the square of the
    # whole displacement.
    drops = [3 * 2 - 0 + 1 * 3, 1 + 0 + 2, 0 + 2 + 1, 0 + 3 + 0.5 * 2, 0]
    moved = [1, 0, 9, 1, 0]
    expected = [d / (m + SYNAPTIC_DAMPING) for d, m in zip(drops, moved, strict=True)]
    assert follow("synaptic_intelligence", PATH, gradients) == pytest.approx(expected)


def test_synaptic_intelligence_of_a_weight_that_raised_the_loss_is_zero():
    gradients = torch.ones(3, 1, 5, dtype=torch.float64)
    # With a gradient of one, the drop is minus the displacement: 1, 0, -3, 1, 0.
    assert follow("synaptic_intelligence", PATH, gradients)[0] == 0
    assert follow("synaptic_intelligence", PATH, gradients)[2] > 0


def test_path_integral_of_descent_on_a_quadratic_loss_is_known():
    # L = 1/2 sum a (theta - c)^2. Steps of size s keep the share r = 1 - s a of the distance d,
    # so the drop is s a^2 d^2 (1 - r^2T) / (1 - r^2); for small steps that is the fall of L.
    curvature = torch.tensor([0.5, 1.0, 4.0], dtype=torch.float64)
    start = torch.tensor([[2.0, -1.0, 0.5]], dtype=torch.float64)
    size, steps = 1e-3, 500
    tracker = TRACKERS["synaptic_intelligence"](start.clone())
    theta = start.clone()
    for _ in range(steps):
        before, gradient = theta.clone(), curvature * theta
        theta -= size * gradient
        tracker.update(before, theta, gradient)
    kept = 1 - size * curvature
    drop = size * curvature**2 * start**2 * (1 - kept ** (2 * steps)) / (1 - kept**2)
    moved = (start * (1 - kept**steps)) ** 2
    omega = tracker.omega(theta)
    torch.testing.assert_close(omega, drop / (moved + SYNAPTIC_DAMPING))
    fall = 0.5 * curvature * (start**2 - theta**2)
    torch.testing.assert_close(omega * (moved + SYNAPTIC_DAMPING), fall, rtol=3e-3, atol=0)


@pytest.mark.parametrize("name", TRACKERS)
def test_tracker_starts_from_the_weights_it_was_given(name):
    start = torch.full((1, 2), -1.0)
    tracker = TRACKERS[name](start)
    after = torch.full((1, 2), 1.0)
    tracker.update(start, after, torch.full((1, 2), -1.0))
    # One flip; no reversal; a distance of 2; a drop of 2 over a displacement of 2.
    expected = {
        "sign_flipping": 1 / 2,
        "momentum_based": 1.0,
        "weight_change": 1 / 3,
        "synaptic_intelligence": 2 / (4 + SYNAPTIC_DAMPING),
    }
    assert tracker.omega(after).tolist() == [pytest.approx([expected[name]] * 2)]


@pytest.mark.parametrize("name", TRACKERS)
def test_tracker_of_weights_changed_in_place_is_that_of_copies(name):
    steps = doubles(20, 2, 6, seed=1)
    gradients = doubles(20, 2, 6, seed=2)
    start = doubles(2, 6, seed=3)
    live = start.clone()
    watching = TRACKERS[name](live)
    copied = TRACKERS[name](start.clone())
    for step, gradient in zip(steps, gradients, strict=True):
        before = live.clone()
        live += step
        watching.update(before, live, gradient)
        copied.update(before.clone(), live.clone(), gradient.clone())
    omega = copied.omega(live.clone())
    assert torch.equal(watching.omega(live), omega)
    # Not the same for all weights: there was something to see.
    assert omega.unique().numel() > 2


@pytest.mark.parametrize("name", TRACKERS)
def test_tracked_members_do_not_mix(name):
    steps, gradients = doubles(20, 2, 6, seed=1), doubles(20, 2, 6, seed=2)
    rows = []
    for members in ([0, 1], [0], [1]):
        theta = doubles(2, 6, seed=3)[members]
        tracker = TRACKERS[name](theta.clone())
        for step, gradient in zip(steps, gradients, strict=True):
            before = theta.clone()
            theta = theta + step[members]
            tracker.update(before, theta, gradient[members])
        rows.append(tracker.omega(theta))
    assert torch.equal(rows[0], torch.cat(rows[1:]))


# ------------------------------------------------------------------ all


def test_all_measures_of_the_study_are_named():
    assert set(IMPORTANCE) == {
        *("none", "weight_decay", "sign_flipping", "momentum_based", "weight_change", "fisher"),
        *("fisher_exact", "fisher_sampled", "fisher_empirical", "synaptic_intelligence"),
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
