"""Other ways to what is called the Fisher information: by hand, and by a loop."""

from dataclasses import replace

import pytest
import torch
from finished_tasks import OUTPUTS, SAMPLES, deep_task, flat, gradients_by_loop, linear_task
from torch.nn import functional

from ewc_lambda.learning.importance import POSTERIOR

CLASSES = pytest.mark.parametrize("loss", ["softmax_cross_entropy", "binary_cross_entropy"])
ALL = pytest.mark.parametrize(
    "loss", ["softmax_cross_entropy", "binary_cross_entropy", "mean_squared_error"]
)


def log_likelihood(z, loss, y):
    if loss == "softmax_cross_entropy":
        return z.log_softmax(-1)[y]
    if loss == "binary_cross_entropy":
        bits = functional.one_hot(y, len(z)) if y.ndim == 0 else y
        return -functional.binary_cross_entropy_with_logits(z, bits.to(z), reduction="sum")
    return -0.5 * (z - y).square().sum()


# ------------------------------------------------------------------ by the predicted label


def test_fisher_predicted_of_a_softmax_layer_by_hand():
    # d log p_c / dz = onehot(c) - p, and dz_k / dW_kj = x_j.
    done, logits = linear_task("softmax_cross_entropy")
    score = functional.one_hot(logits.argmax(1), OUTPUTS) - logits.softmax(1)
    weight = score.square().T @ done.x.square() / SAMPLES
    expected = flat(done, weight, score.square().mean(dim=0))
    torch.testing.assert_close(POSTERIOR["fisher_predicted"](done)[0], expected)


def test_fisher_predicted_of_sigmoids_takes_each_outputs_likelier_value():
    done, logits = linear_task("binary_cross_entropy")
    score = (logits > 0).double() - logits.sigmoid()
    weight = score.square().T @ done.x.square() / SAMPLES
    expected = flat(done, weight, score.square().mean(dim=0))
    torch.testing.assert_close(POSTERIOR["fisher_predicted"](done)[0], expected)


def test_fisher_predicted_does_not_look_at_the_true_labels():
    done = deep_task("softmax_cross_entropy")
    other = replace(done, y=done.y.roll(1))
    found, again = (POSTERIOR["fisher_predicted"](each) for each in (done, other))
    assert torch.equal(found, again)
    assert not torch.equal(found, POSTERIOR["fisher_empirical"](done))


def test_fisher_predicted_is_smaller_than_the_information_where_the_label_is_sure():
    # E over y of the squared score is p (1 - p) for two classes, that of the likelier (1 - p)^2.
    done, logits = linear_task("softmax_cross_entropy", outputs=2)
    bias = slice(-2, None)
    p = logits.softmax(1)[:, 0]
    exact, predicted = (POSTERIOR[f"fisher_{n}"](done)[0][bias] for n in ("exact", "predicted"))
    likelier = torch.maximum(p, 1 - p)
    torch.testing.assert_close(exact, (p * (1 - p)).mean().expand(2))
    torch.testing.assert_close(predicted, (1 - likelier).square().mean().expand(2))


# ------------------------------------------------------------------ of reversed logits


def test_fisher_reversed_of_a_softmax_layer_by_hand():
    # d log p(c | -z) / dz = -(onehot(c) - p(-z)).
    done, logits = linear_task("softmax_cross_entropy")
    score = functional.one_hot(done.y, OUTPUTS) - (-logits).softmax(1)
    weight = score.square().T @ done.x.square() / SAMPLES
    expected = flat(done, weight, score.square().mean(dim=0))
    torch.testing.assert_close(POSTERIOR["fisher_reversed"](done)[0], expected)


@CLASSES
def test_fisher_reversed_is_the_gradient_through_the_negated_logits(loss):
    done = deep_task(loss)
    rows = gradients_by_loop(done, lambda z, n: log_likelihood(-z, loss, done.y[n]))
    found = POSTERIOR["fisher_reversed"](done)[0]
    torch.testing.assert_close(found, rows.square().mean(dim=0))


def test_fisher_reversed_stays_large_where_a_confident_network_has_no_gradient():
    done, logits = linear_task("softmax_cross_entropy")
    sure = replace(done, theta=40 * done.theta, y=logits.argmax(1))
    plain, reversed_ = (POSTERIOR[f"fisher_{n}"](sure)[0] for n in ("empirical", "reversed"))
    assert reversed_.mean() > 100 * plain.mean()


# ------------------------------------------------------------------ of batches


def batches_of(done, member=0):
    order = done.streams[member].generator("batches", done.task).permutation(len(done.x))
    return torch.from_numpy(order).split(done.batch)


@ALL
@pytest.mark.parametrize("batch", [1, 2, 4, 9, 100])
def test_fisher_batched_is_the_squared_mean_gradient_of_each_batch(loss, batch):
    done = replace(deep_task(loss), batch=batch)
    rows = gradients_by_loop(done, lambda z, n: log_likelihood(z, loss, done.y[n]))
    expected = torch.stack([rows[own].mean(0).square() for own in batches_of(done)]).mean(0)
    torch.testing.assert_close(POSTERIOR["fisher_batched"](done)[0], expected)


@ALL
def test_batches_of_one_give_the_empirical_fisher(loss):
    done = replace(deep_task(loss, members=2), batch=1)
    found, empirical = (POSTERIOR[f"fisher_{n}"](done) for n in ("batched", "empirical"))
    torch.testing.assert_close(found, empirical)


def test_each_member_draws_its_own_batches():
    done = replace(deep_task("softmax_cross_entropy", members=2), batch=4)
    found = POSTERIOR["fisher_batched"](done)
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found, POSTERIOR["fisher_batched"](done))


def test_frameworks_that_square_the_batch_gradient_find_less_by_the_size_of_a_batch():
    # Scores of labels from the model itself have mean 0, so the mean of B has a Bth of the
    # variance: what fisher_batched is smaller by, where labels are the model's own.
    done, logits = linear_task("softmax_cross_entropy")
    copies = 4000
    x = done.x.repeat(copies, 1)
    generator = torch.Generator().manual_seed(5)
    y = torch.multinomial(logits.softmax(1).repeat(copies, 1), 1, generator=generator)[:, 0]
    drawn = replace(done, x=x, y=y, batch=20)
    ratio = POSTERIOR["fisher_exact"](done)[0] / POSTERIOR["fisher_batched"](drawn)[0]
    torch.testing.assert_close(ratio, torch.full_like(ratio, 20.0), rtol=0.15, atol=0)
