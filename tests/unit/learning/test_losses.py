"""Losses against torch's own and numbers by hand; Fisher directions against closed forms."""

import itertools
import math

import pytest
import torch
from builders import doubles
from torch.nn import functional

from ewc_lambda.learning.losses import (
    LOSSES,
    correct,
    draw_targets,
    fisher_directions,
    sample_losses,
    score_direction,
)

LABELS = torch.tensor([0, 2, 1, 1, 2])


def second_moment(vectors):
    """Sum over V of v v^T: (N, K, K) of vectors (N, V, K)."""
    return torch.einsum("nva,nvb->nab", vectors, vectors)


def log_likelihood(logits, targets, loss):
    """Of one sample; targets are a one-hot or binary vector, or values."""
    if loss == "softmax_cross_entropy":
        return (targets * logits.log_softmax(-1)).sum()
    if loss == "binary_cross_entropy":
        p = logits.sigmoid()
        return (targets * p.log() + (1 - targets) * (1 - p).log()).sum()
    return -0.5 * (logits - targets).square().sum() - len(logits) / 2 * math.log(2 * math.pi)


def test_softmax_loss_is_the_cross_entropy_of_torch():
    logits = 3 * doubles(5, 3)
    expected = functional.cross_entropy(logits, LABELS, reduction="none")
    torch.testing.assert_close(sample_losses(logits, LABELS, "softmax_cross_entropy"), expected)


def test_binary_loss_is_the_mean_over_outputs_of_the_loss_of_torch_on_one_hot_labels():
    logits = 3 * doubles(5, 3)
    one_hot = functional.one_hot(LABELS, 3).double()
    each = functional.binary_cross_entropy_with_logits(logits, one_hot, reduction="none")
    torch.testing.assert_close(
        sample_losses(logits, LABELS, "binary_cross_entropy"), each.mean(dim=1)
    )


def test_squared_error_is_the_mean_over_outputs():
    logits, targets = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 5.0]])
    assert sample_losses(logits, targets, "mean_squared_error").tolist() == [(1 + 9) / 2]


def test_losses_of_equal_logits_are_known_by_hand():
    logits = torch.zeros(1, 4, dtype=torch.float64)
    label = torch.tensor([3])
    assert sample_losses(logits, label, "softmax_cross_entropy").item() == pytest.approx(
        math.log(4)
    )
    assert sample_losses(logits, label, "binary_cross_entropy").item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("loss", LOSSES[:2])
def test_loss_of_extreme_logits_is_finite(loss):
    logits = torch.tensor([[1e4, -1e4, 0.0]])
    right = sample_losses(logits, torch.tensor([0]), loss)
    wrong = sample_losses(logits, torch.tensor([1]), loss)
    assert right.item() < 1
    assert math.isfinite(wrong.item())
    assert wrong.item() > 1000


@pytest.mark.parametrize("loss", LOSSES)
def test_leading_dimensions_are_members(loss):
    logits = doubles(4, 5, 3)
    targets = LABELS.expand(4, 5) if loss != "mean_squared_error" else doubles(4, 5, 3, seed=1)
    together = sample_losses(logits, targets, loss)
    assert together.shape == (4, 5)
    for member in range(4):
        alone = sample_losses(logits[member], targets[member], loss)
        assert torch.equal(together[member], alone)


def test_correct_compares_the_largest_output_with_the_label():
    logits = torch.tensor([[0.1, 0.9, 0.0], [0.2, 0.1, 0.0]])
    assert correct(logits, torch.tensor([1, 2]), "softmax_cross_entropy").tolist() == [1.0, 0.0]


def test_a_regression_has_no_accuracy():
    seen = correct(torch.zeros(2, 5, 3), torch.zeros(2, 5, 3), "mean_squared_error")
    assert seen.shape == (2, 5)
    assert seen.isnan().all()


def test_softmax_directions_give_the_covariance_of_the_labels():
    logits = 2 * doubles(5, 3)
    p = logits.softmax(-1)
    expected = torch.diag_embed(p) - p.unsqueeze(2) * p.unsqueeze(1)
    found = second_moment(fisher_directions(logits, "softmax_cross_entropy"))
    torch.testing.assert_close(found, expected)


def test_sigmoid_directions_give_the_variances_of_independent_labels():
    logits = 2 * doubles(5, 3)
    p = 1 / (1 + torch.exp(-logits))
    found = second_moment(fisher_directions(logits, "binary_cross_entropy"))
    torch.testing.assert_close(found, torch.diag_embed(p * (1 - p)))


def test_gaussian_directions_give_the_identity():
    found = second_moment(fisher_directions(doubles(5, 3), "mean_squared_error"))
    torch.testing.assert_close(found, torch.eye(3, dtype=torch.float64).expand(5, 3, 3))


@pytest.mark.parametrize("loss", LOSSES)
def test_score_is_the_gradient_of_the_log_likelihood(loss):
    logits = doubles(5, 3)
    one_hot = functional.one_hot(LABELS, 3).double()
    targets = doubles(5, 3, seed=1) if loss == "mean_squared_error" else one_hot
    expected = [
        torch.func.grad(lambda z, t: log_likelihood(z, t, loss))(z, t)
        for z, t in zip(logits, targets, strict=True)
    ]
    torch.testing.assert_close(score_direction(logits, targets, loss)[:, 0], torch.stack(expected))
    if loss != "mean_squared_error":
        assert torch.equal(
            score_direction(logits, LABELS, loss), score_direction(logits, one_hot, loss)
        )


def test_softmax_directions_are_the_expectation_over_all_labels_of_the_score():
    logits = 2 * doubles(5, 3)
    expected = torch.zeros(5, 3, 3, dtype=torch.float64)
    for label in range(3):
        score = score_direction(logits, torch.full((5,), label), "softmax_cross_entropy")
        expected += logits.softmax(-1)[:, label, None, None] * second_moment(score)
    found = second_moment(fisher_directions(logits, "softmax_cross_entropy"))
    torch.testing.assert_close(found, expected)


def test_sigmoid_directions_are_the_expectation_over_all_binary_labels_of_the_score():
    logits = 2 * doubles(5, 3)
    p = logits.sigmoid()
    expected = torch.zeros(5, 3, 3, dtype=torch.float64)
    for bits in itertools.product((0.0, 1.0), repeat=3):
        label = torch.tensor(bits, dtype=torch.float64).expand(5, 3)
        probability = torch.where(label > 0, p, 1 - p).prod(dim=1)
        score = score_direction(logits, label, "binary_cross_entropy")
        expected += probability[:, None, None] * second_moment(score)
    found = second_moment(fisher_directions(logits, "binary_cross_entropy"))
    torch.testing.assert_close(found, expected)


def test_softmax_draw_picks_the_class_in_whose_interval_the_uniform_lies():
    # Probabilities 1/2, 1/4, 1/4: the intervals are [0, 1/2), [1/2, 3/4), [3/4, 1).
    logits = torch.tensor([[math.log(2), 0.0, 0.0]], dtype=torch.float64).expand(5, 3)
    uniforms = torch.tensor([0.0, 0.49, 0.51, 0.74, 0.76], dtype=torch.float64)
    drawn = draw_targets(logits, uniforms[:, None], torch.zeros(5, 3), "softmax_cross_entropy")
    assert drawn.argmax(dim=1).tolist() == [0, 0, 1, 1, 2]
    assert drawn.sum(dim=1).tolist() == [1.0] * 5


def test_softmax_draw_of_the_largest_uniform_is_a_class_even_where_rounding_falls_short():
    logits = torch.zeros(1, 7)
    largest = torch.tensor([[1.0]])
    drawn = draw_targets(logits, largest, torch.zeros(1, 7), "softmax_cross_entropy")
    assert drawn.tolist() == [[0, 0, 0, 0, 0, 0, 1]]


def test_sigmoid_draw_is_one_with_the_probability_of_the_output():
    logits = torch.tensor([[0.0, math.log(3)]], dtype=torch.float64).expand(2, 2)
    uniforms = torch.tensor([[0.49, 0.74], [0.51, 0.76]], dtype=torch.float64)
    drawn = draw_targets(logits, uniforms, torch.zeros(2, 2), "binary_cross_entropy")
    assert drawn.tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_gaussian_draw_is_the_output_plus_a_standard_normal():
    logits, normals = doubles(4, 2), doubles(4, 2, seed=1)
    drawn = draw_targets(logits, torch.zeros(4, 2), normals, "mean_squared_error")
    assert torch.equal(drawn, logits + normals)
