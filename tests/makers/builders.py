"""Small problems with made-up data for the tests of training."""

import copy

import numpy as np
import torch

from ewc_lambda.learning.importance import FinishedTask
from ewc_lambda.learning.members import Members, Samples
from ewc_lambda.learning.training import Problem, Settings
from ewc_lambda.networks.models import Layout, Network, build_network, draw_weights, flat_state
from ewc_lambda.seeding import Stream, trial_generator

SEED = 7


def settings(**changes):
    values = {
        "epochs": 2,
        "batch_size": 8,
        "learning_rate": 0.01,
        "loss": "softmax_cross_entropy",
        "evaluations_per_epoch": 1,
        "importance_samples": None,
        "normalize": "none",
        "terms": "separate",
        "decay": 1.0,
        "stacked": True,
    }
    return Settings(**{**values, **changes})


def made_up_samples(
    task, split, count, shape, classes, loss="softmax_cross_entropy", dtype=torch.float32
):
    """Inputs (N, ...) as `Samples` holds them, with labels that can be learned: clusters, the
    same in every split (a number) of a task.
    """
    centers = np.random.default_rng([task]).normal(size=(classes, *shape))
    generator = np.random.default_rng([task, split + 1])
    labels = generator.integers(classes, size=count)
    x = centers[labels] + 0.5 * generator.normal(size=(count, *shape))
    if len(shape) == 3:
        x = np.moveaxis(x, 1, -1)
    y = generator.normal(size=(count, classes)) if loss == "mean_squared_error" else labels
    kind = dtype if loss == "mean_squared_error" else torch.int64
    inputs = torch.from_numpy(np.ascontiguousarray(x)).to(dtype)
    return Samples(inputs, torch.from_numpy(y).to(kind))


def problem(
    *,
    model="mlp",
    heads="per_task",
    tasks=2,
    samples=20,
    dtype=torch.float32,
    **changes,
):
    """A scenario of made-up tasks with three classes each. ``samples`` is the number of training
    samples of each task, or a list of them.
    """
    chosen = settings(**changes)
    shape = (6,) if model == "mlp" else (1, 16, 16)
    outputs = [3 * (k + 1) if heads == "growing" else 3 for k in range(tasks)]
    config = {"model": model, "hidden": [7, 5], "normalization": None, "heads": heads}
    network = build_network(config, shape, outputs)
    network.to(dtype)
    counts = samples if isinstance(samples, list) else [samples] * tasks
    train = [made_up_samples(k, 0, counts[k], shape, 3, chosen.loss, dtype) for k in range(tasks)]
    selection = [made_up_samples(k, 1, 12, shape, 3, chosen.loss, dtype) for k in range(tasks)]
    return Problem(network, Layout.of(network), train, selection, chosen)


def base_model(of):
    """Flat parameters and buffers of a trial's base model."""
    draw_weights(of.network, trial_generator(SEED, 0, "weights"))
    return flat_state(of.network, of.layout)


def moved(of, device):
    """A problem and its base model as they are built on a device."""
    theta, buffers = (tensor.to(device) for tensor in base_model(of))
    of.network.to(device)
    for samples in (*of.train, *of.selection):
        for name in ("x", "y"):
            object.__setattr__(samples, name, getattr(samples, name).to(device))
    return theta, buffers


def streams(count, trial=0, branch=()):
    return [Stream(SEED, trial, replicate, branch) for replicate in range(count)]


def members_of(of, count=1, theta=None, buffers=None):
    """Members on a problem, all on the base model unless told."""
    base, moving = base_model(of)
    theta = base.expand(count, -1) if theta is None else theta
    buffers = moving.expand(len(theta), -1) if buffers is None else buffers
    chosen = of.settings
    return Members(
        of.network, of.layout, theta, buffers, chosen.loss, chosen.stacked, chosen.bfloat16
    )


def plain_module(of, theta, buffers):
    """An ordinary torch module with a member's weights (size,) and buffers (buffer_size,)."""
    module = copy.deepcopy(of.network)
    state = {**of.layout.split_parameters(theta), **of.layout.split_buffers(buffers)}
    # Not strict: torch wants a count of batches, which the networks here do without.
    assert not module.load_state_dict(state, strict=False).missing_keys
    return module


def linear_model(features, outputs):
    """A network that is nothing but one dense layer, which is shared."""
    network = Network(torch.nn.Flatten(), (features,), [outputs], "shared").double()
    return network, Layout.of(network)


def finished(network, layout, theta, x, y, loss, *, buffers=None, route=None, members=1, task=0):
    """A finished task whose members all have the weights ``theta`` (size,)."""
    buffers = torch.zeros(0, dtype=theta.dtype) if buffers is None else buffers
    return FinishedTask(
        network,
        layout,
        theta.expand(members, -1).clone(),
        buffers.expand(members, -1).clone(),
        x,
        y,
        task,
        route or network.route(task, task),
        loss,
        streams(members),
    )


def doubles(*shape, seed=0):
    """Standard normal float64 of a fixed seed."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))
