"""Fisher information against closed forms, hand calculations and loops with autograd."""

import itertools
import math

import pytest
import torch
from finished_tasks import (
    FEATURES,
    OUTPUTS,
    SAMPLES,
    deep_task,
    flat,
    gradients_by_loop,
    linear_task,
)
from torch.nn import functional

from ewc_lambda.learning.importance import POSTERIOR
from ewc_lambda.learning.losses import score_direction
from ewc_lambda.learning.sample_gradients import Trained, sum_sample_gradients

LOSSES = ("softmax_cross_entropy", "binary_cross_entropy", "mean_squared_error")


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
    monkeypatch.setattr("ewc_lambda.learning.sample_gradients.CHUNK", 4)
    done = deep_task("softmax_cross_entropy")
    scores = gradients_by_loop(done, lambda z, n: z.log_softmax(-1)[done.y[n]])
    torch.testing.assert_close(POSTERIOR["fisher_empirical"](done)[0], scores.square().mean(dim=0))


def test_sampled_fisher_does_not_depend_on_the_size_of_chunks(monkeypatch):
    done = deep_task("softmax_cross_entropy")
    whole = POSTERIOR["fisher_sampled"](done)
    monkeypatch.setattr("ewc_lambda.learning.sample_gradients.CHUNK", 4)
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
