"""Finished tasks whose importance is known or taken by a loop, for the tests of importance."""

import torch
from builders import doubles, finished, linear_model
from torch import nn

from ewc_lambda.networks.models import Layout, Network

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
