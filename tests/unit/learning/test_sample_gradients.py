"""Per-sample gradients against a loop over samples and directions with autograd."""

import pytest
import torch
from builders import doubles
from torch import nn
from torch.func import functional_call

from ewc_lambda.learning import sample_gradients
from ewc_lambda.learning.losses import fisher_directions
from ewc_lambda.learning.sample_gradients import Trained, sum_sample_gradients
from ewc_lambda.networks.models import Layout, Network
from ewc_lambda.networks.trunks import BasicBlock, GlobalAverage, original_cnn, small_cnn


def strided_trunk():
    return nn.Sequential(
        nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 2)),
        nn.ReLU(),
        nn.BatchNorm2d(3, eps=1e-3),
        nn.Conv2d(3, 4, 3, stride=2, padding=1, dilation=2, bias=False),
        nn.Tanh(),
        nn.AvgPool2d(2, stride=1, padding=0),
        nn.Flatten(),
        nn.LazyLinear(5),
        nn.Tanh(),
    )


def residual_trunk():
    return nn.Sequential(
        BasicBlock(2, 8, 2, "batch"), BasicBlock(8, 8, 1, "group"), GlobalAverage()
    )


TRUNKS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh()), (6,)),
    "strides, padding, dilation, no bias": (strided_trunk, (2, 9, 8)),
    "original_cnn": (lambda: original_cnn((1, 16, 16)), (1, 16, 16)),
    "group normalization": (lambda: small_cnn((1, 8, 8), "group"), (1, 8, 8)),
    "a way around": (residual_trunk, (2, 5, 5)),
}
OTHER_TRUNKS = {
    "groups": lambda: nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.Flatten()),
    "circular padding": lambda: nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), nn.Flatten()
    ),
    "padding by name": lambda: nn.Sequential(nn.Conv2d(2, 3, 3, padding="same"), nn.Flatten()),
    "layer norm": lambda: nn.Sequential(nn.Flatten(), nn.Linear(50, 4), nn.LayerNorm(4)),
}


def build(trunk, shape, heads="per_task", outputs=(3, 2)):
    """A float64 network whose buffers and normalization weights are not those of the identity."""
    if any(isinstance(module, nn.LazyLinear) for module in trunk.modules()):
        trunk.eval()(torch.zeros(1, *shape))
    network = Network(trunk, shape, outputs, heads).double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked = None
    layout = Layout.of(network)
    theta = 0.3 * doubles(layout.size, seed=1)
    buffers = 0.5 + doubles(layout.buffer_size, seed=2).abs()
    return network, layout, theta, buffers


def brute_force(network, layout, theta, buffers, x, route, vectors, power):
    """Sum of |v^T J|^power, one backward pass per sample and direction."""
    network.eval()
    state = {**layout.split_parameters(theta), **layout.split_buffers(buffers)}
    names = list(layout.split_shared(theta[: layout.shared]))
    total = torch.zeros(layout.shared, dtype=torch.float64)
    for number, sample in enumerate(x):
        for direction in vectors[number]:
            leaves = {n: t.detach().clone().requires_grad_(n in names) for n, t in state.items()}
            outputs = functional_call(network, leaves, (sample.unsqueeze(0), *route))[0]
            gradients = torch.autograd.grad((outputs * direction).sum(), [leaves[n] for n in names])
            row = layout.join(dict(zip(names, gradients, strict=True)), "shared")
            total += row.abs() ** power
    return total


def compare(network, layout, theta, buffers, x, route, power, directions=3):
    vectors = doubles(len(x), directions, route[1], seed=5)
    found = sum_sample_gradients(
        Trained(network, layout, theta, buffers, route),
        x,
        lambda logits, start: vectors[start : start + len(logits)],
        power,
    )
    expected = brute_force(network, layout, theta, buffers, x, route, vectors, power)
    assert (expected > 0).any()
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def goes_by_layers(network, layout, theta, buffers):
    of = Trained(network, layout, theta, buffers, (0, 3))
    return isinstance(sample_gradients._running_sum(of, 2), sample_gradients._LayerSums)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("name", TRUNKS)
def test_layer_wise_sums_are_those_of_a_loop_over_samples(name, power):
    trunk, shape = TRUNKS[name]
    network, layout, theta, buffers = build(trunk(), shape)
    assert goes_by_layers(network, layout, theta, buffers)
    count = 3 if name == "original_cnn" else 7
    compare(network, layout, theta, buffers, doubles(count, *shape), (1, 2), power)


@pytest.mark.parametrize("name", TRUNKS)
def test_general_sums_are_those_of_a_loop_over_samples(name, monkeypatch):
    trunk, shape = TRUNKS[name]
    network, layout, theta, buffers = build(trunk(), shape)
    monkeypatch.setattr(sample_gradients, "layer_of", lambda module, power: None)
    count = 3 if name == "original_cnn" else 7
    compare(network, layout, theta, buffers, doubles(count, *shape), (0, 3), 2)


@pytest.mark.parametrize("name", OTHER_TRUNKS)
def test_other_layers_go_the_general_way_with_the_same_result(name):
    network, layout, theta, buffers = build(OTHER_TRUNKS[name](), (2, 5, 5))
    assert not goes_by_layers(network, layout, theta, buffers)
    compare(network, layout, theta, buffers, doubles(4, 2, 5, 5), (0, 3), 2)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("name", TRUNKS)
def test_sums_of_one_sample_after_the_other_are_those_of_a_loop(name, power):
    trunk, shape = TRUNKS[name]
    network, layout, theta, buffers = build(trunk(), shape)
    network.layerwise = network.vmapped_gradients = False
    count = 3 if name == "original_cnn" else 7
    compare(network, layout, theta, buffers, doubles(count, *shape), (0, 3), power)


@pytest.mark.parametrize("general", [False, True], ids=["layer-wise", "general"])
@pytest.mark.parametrize(
    ("heads", "outputs", "route"),
    [("per_task", (3, 2), (1, 2)), ("shared", (3, 3), (0, 3)), ("growing", (2, 4), (0, 2))],
)
def test_every_kind_of_heads(heads, outputs, route, general, monkeypatch):
    trunk, shape = TRUNKS["mlp"]
    network, layout, theta, buffers = build(trunk(), shape, heads, outputs)
    if general:
        monkeypatch.setattr(sample_gradients, "layer_of", lambda module, power: None)
    compare(network, layout, theta, buffers, doubles(5, *shape), route, 2)


def test_outputs_of_a_growing_head_that_are_not_yet_used_weigh_nothing():
    trunk, shape = TRUNKS["mlp"]
    network, layout, theta, buffers = build(trunk(), shape, "growing", (2, 4))
    found = sum_sample_gradients(
        Trained(network, layout, theta, buffers, (0, 2)),
        doubles(5, *shape),
        lambda logits, start: fisher_directions(logits, "softmax_cross_entropy"),
        2,
    )
    head = layout.split_shared(found)["heads.0.weight"]
    assert (head[2:] == 0).all()
    assert (head[:2] > 0).any()


@pytest.mark.parametrize("general", [False, True], ids=["layer-wise", "general"])
def test_chunks_meet_the_directions_of_their_own_samples(general, monkeypatch):
    trunk, shape = TRUNKS["mlp"]
    network, layout, theta, buffers = build(trunk(), shape)
    monkeypatch.setattr(sample_gradients, "CHUNK", 4)
    monkeypatch.setattr(sample_gradients, "SUMMED", 8)
    if general:
        monkeypatch.setattr(sample_gradients, "layer_of", lambda module, power: None)
    compare(network, layout, theta, buffers, doubles(11, *shape), (0, 3), 2)


def test_normalization_uses_the_running_statistics_and_leaves_everything_as_it_was():
    trunk, shape = TRUNKS["strides, padding, dilation, no bias"]
    network, layout, theta, buffers = build(trunk(), shape)
    network.train()
    kept = theta.clone(), buffers.clone()
    x = doubles(6, *shape)

    def total(samples):
        return sum_sample_gradients(
            Trained(network, layout, theta, buffers, (0, 3)),
            samples,
            lambda logits, start: torch.ones(len(logits), 1, 3, dtype=torch.float64),
            2,
        )

    # A sample's gradient does not depend on the samples beside it.
    apart = total(x[:2]) + total(x[2:])
    torch.testing.assert_close(total(x), apart)
    assert network.training
    assert torch.equal(theta, kept[0])
    assert torch.equal(buffers, kept[1])


def test_sum_has_the_type_of_the_weights():
    trunk, shape = TRUNKS["mlp"]
    network, layout, theta, buffers = build(trunk(), shape)
    found = sum_sample_gradients(
        Trained(network.float(), layout, theta.float(), buffers.float(), (0, 3)),
        doubles(3, *shape).float(),
        lambda logits, start: torch.ones(len(logits), 1, 3),
        2,
    )
    assert found.dtype == torch.float32
