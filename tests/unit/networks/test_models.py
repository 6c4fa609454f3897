"""Networks: layers and counts by hand, initial weights, heads, and the flat vectors."""

import numpy as np
import pytest
import torch
from builders import problem
from plain_networks import original_trunk
from torch import nn

from ewc_lambda.errors import StudyError
from ewc_lambda.networks.models import (
    Layout,
    build_network,
    draw_weights,
    flat_state,
)
from ewc_lambda.networks.trunks import mlp, original_cnn
from ewc_lambda.seeding import trial_generator


def cnn_network(shape=(1, 28, 28), outputs=(3, 3), heads="per_task"):
    config = {"model": "original_cnn", "normalization": None, "heads": heads}
    return build_network(config, shape, outputs)


def mlp_network(outputs=(3, 3), heads="per_task"):
    return build_network({"model": "mlp", "hidden": [7, 5], "heads": heads}, (6,), outputs)


def test_original_cnn_has_the_layers_of_the_original():
    trunk = original_cnn((1, 28, 28))
    kinds = [type(m).__name__ for m in trunk.modules() if not isinstance(m, nn.Sequential)]
    assert kinds == [
        *("Conv2d", "MaxPool2d", "ReLU", "BatchNorm2d", "Conv2d", "ReLU", "Conv2d", "ReLU"),
        *("BatchNorm2d", "Conv2d", "Flatten", "ReLU", "Linear", "ReLU", "Linear", "ReLU"),
    ]
    convolutions = [m for m in trunk.modules() if isinstance(m, nn.Conv2d)]
    channels = [(m.in_channels, m.out_channels) for m in convolutions]
    assert channels == [(1, 32), (32, 32), (32, 64), (64, 64)]
    assert {(m.kernel_size, m.stride, m.padding) for m in convolutions} == {
        ((3, 3), (1, 1), (0, 0))
    }


def test_original_cnn_has_the_bits_of_the_original_order_of_its_layers():
    network = cnn_network()
    draw_weights(network, trial_generator(7, 0, "weights"))
    ours, original = network.trunk, original_trunk(3136, 32)
    original.load_state_dict(ours.state_dict(), strict=False)
    x = torch.randn(32, 28, 28, 1, generator=torch.Generator().manual_seed(5)).movedim(-1, -3)
    weights = torch.randn(32, 32, generator=torch.Generator().manual_seed(6))
    outputs, gradients = [], []
    for trunk in (ours, original):
        output = trunk(x)
        outputs.append(output)
        gradients.append(torch.autograd.grad((output * weights).sum(), list(trunk.parameters())))
    assert torch.equal(*outputs)
    for one, other in zip(*gradients, strict=True):
        assert one.abs().sum() > 0
        assert torch.equal(one, other)


def test_original_cnn_has_the_number_of_parameters_counted_by_hand():
    # 28 - 2 = 26, pooled 13, then 11, 9 and 7: 64 * 7 * 7 = 3136 features enter the dense layers.
    convolutions = (9 * 1 + 1) * 32 + (9 * 32 + 1) * 32 + (9 * 32 + 1) * 64 + (9 * 64 + 1) * 64
    normalizations = 2 * 32 + 2 * 64
    dense = (3136 + 1) * 32 + (32 + 1) * 32
    trunk = convolutions + normalizations + dense
    heads = 2 * (32 + 1) * 3
    layout = Layout.of(cnn_network())
    assert trunk == 166_624
    assert (layout.shared, layout.size) == (trunk, trunk + heads)
    # A running mean and variance per channel of both normalizations, and nothing else.
    assert layout.buffer_size == 2 * 32 + 2 * 64


def test_batch_normalization_has_the_momentum_and_epsilon_of_the_original():
    # 0.99 of the old value is kept; torch's momentum is the weight of the new one.
    network = cnn_network((1, 16, 16))
    found = {(m.momentum, m.eps) for m in network.modules() if isinstance(m, nn.BatchNorm2d)}
    assert found == {(0.01, 1e-3)}


def test_running_mean_moves_by_a_hundredth_towards_a_batch():
    network = cnn_network((1, 16, 16))
    first = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    first.train()
    first(torch.full((4, 32, 3, 3), 5.0))
    torch.testing.assert_close(first.running_mean, torch.full((32,), 0.05))
    torch.testing.assert_close(first.running_var, torch.full((32,), 0.99))


@pytest.mark.parametrize("shape", [(1, 15, 28), (3, 28, 12), (64,)])
def test_inputs_that_original_cnn_cannot_take_are_refused(shape):
    with pytest.raises(StudyError, match=r"original_cnn needs images of at least 16 x 16"):
        original_cnn(shape)


def test_original_cnn_takes_images_of_sixteen_by_sixteen():
    assert original_cnn((3, 16, 16))(torch.zeros(2, 3, 16, 16)).shape == (2, 32)


def test_mlp_has_a_dense_layer_and_relu_per_width():
    trunk = mlp((1, 2, 3), [7, 5])
    shapes = [tuple(p.shape) for p in trunk.parameters()]
    assert shapes == [(7, 6), (7,), (5, 7), (5,)]
    output = trunk(torch.randn(4, 1, 2, 3, generator=torch.Generator().manual_seed(0)))
    assert output.shape == (4, 5)
    assert (output >= 0).all()


@pytest.mark.parametrize("network", [cnn_network((1, 16, 16)), mlp_network()])
def test_kernels_are_glorot_uniform_and_biases_zero(network):
    draw_weights(network, trial_generator(3, 0, "weights"))
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            weight = module.weight.detach()
            field = weight[0, 0].numel() if weight.ndim == 4 else 1
            limit = np.sqrt(6 / (weight.shape[1] * field + weight.shape[0] * field))
            assert weight.abs().max() <= limit * (1 + 1e-6)
            assert (module.bias == 0).all()
            if weight.numel() > 500:
                # Uniform on (-l, l): variance l^2 / 3, and values close to both ends.
                assert weight.var().item() == pytest.approx(limit**2 / 3, rel=0.15)
                assert weight.max() > 0.98 * limit
                assert weight.min() < -0.98 * limit


def test_normalization_starts_as_the_identity():
    network = cnn_network((1, 16, 16))
    draw_weights(network, trial_generator(3, 0, "weights"))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()
            assert (module.running_mean == 0).all()
            assert (module.running_var == 1).all()


def test_weights_depend_on_the_trial_and_the_seed_alone():
    def drawn(seed, trial):
        network = mlp_network()
        draw_weights(network, trial_generator(seed, trial, "weights"))
        return flat_state(network, Layout.of(network))[0]

    torch.manual_seed(0)
    first = drawn(3, 1)
    torch.manual_seed(1)
    assert torch.equal(drawn(3, 1), first)
    assert not torch.equal(drawn(3, 2), first)
    assert not torch.equal(drawn(4, 1), first)


def test_two_heads_of_a_network_start_differently():
    network = mlp_network()
    draw_weights(network, trial_generator(3, 0, "weights"))
    assert not torch.equal(network.heads[0].weight, network.heads[1].weight)


@pytest.mark.parametrize(
    ("heads", "outputs", "expected"),
    [
        # (task, stage) -> (head, width)
        ("per_task", (3, 2, 4), {(0, 0): (0, 3), (0, 2): (0, 3), (1, 1): (1, 2), (2, 0): (2, 4)}),
        ("shared", (3, 3, 3), {(0, 0): (0, 3), (2, 2): (0, 3), (1, 0): (0, 3)}),
        ("growing", (2, 4, 6), {(0, 0): (0, 2), (0, 1): (0, 4), (0, 2): (0, 6), (2, 0): (0, 6)}),
    ],
)
def test_route_picks_the_head_and_its_width(heads, outputs, expected):
    network = mlp_network(outputs, heads)
    assert {place: network.route(*place) for place in expected} == expected
    assert len(network.heads) == (len(outputs) if heads == "per_task" else 1)


def test_forward_gives_the_first_outputs_of_the_chosen_head():
    network = mlp_network((2, 4, 6), "growing")
    x = torch.ones(3, 6)
    whole = network.heads[0](network.trunk(x))
    assert torch.equal(network(x, 0, 4), whole[:, :4])


@pytest.mark.parametrize("heads", ["per_task", "shared", "growing"])
def test_shared_parameters_lie_first_and_leave_out_heads_of_single_tasks(heads):
    network = mlp_network((3, 3), heads)
    layout = Layout.of(network)
    trunk = 6 * 7 + 7 + 7 * 5 + 5
    head = 5 * 3 + 3
    assert layout.shared == (trunk if heads == "per_task" else trunk + head)
    assert layout.size == trunk + (2 if heads == "per_task" else 1) * head
    shared = layout.split_shared(torch.zeros(layout.shared))
    assert ("heads.0.weight" in shared) == (heads != "per_task")


def test_kernels_lie_in_the_order_output_row_column_input():
    network = cnn_network((2, 16, 16))
    layout = Layout.of(network)
    name = "trunk.0.4.weight"
    offset, shape = layout.parameters[name]
    theta = torch.arange(layout.size, dtype=torch.float64)
    kernel = layout.split_parameters(theta)[name]
    _, inputs, rows, columns = shape
    o, i, r, c = 3, 5, 2, 1
    place = ((o * rows + r) * columns + c) * inputs + i
    assert kernel[o, i, r, c].item() == offset + place


def test_splitting_and_joining_are_inverse_for_any_leading_dimensions():
    layout = Layout.of(cnn_network((1, 16, 16)))
    theta = torch.randn(2, layout.size, generator=torch.Generator().manual_seed(0))
    buffers = torch.randn(2, layout.buffer_size, generator=torch.Generator().manual_seed(1))
    assert torch.equal(layout.join(layout.split_parameters(theta), "parameters"), theta)
    assert torch.equal(layout.join(layout.split_buffers(buffers), "buffers"), buffers)
    shared = theta[:, : layout.shared]
    assert torch.equal(layout.join(layout.split_shared(shared), "shared"), shared)
    assert torch.equal(layout.join(layout.split_parameters(theta[0]), "parameters"), theta[0])


def test_splits_are_views_of_the_flat_vector():
    layout = Layout.of(mlp_network())
    theta = torch.zeros(2, layout.size)
    layout.split_parameters(theta)["trunk.1.bias"][1] = 4.0
    assert (theta[1] == 4).sum() == 7
    assert (theta[0] == 0).all()


@pytest.mark.parametrize("model", ["mlp", "original_cnn"])
def test_flat_state_holds_every_tensor_under_its_name(model):
    of = problem(model=model)
    draw_weights(of.network, trial_generator(3, 0, "weights"))
    theta, buffers = flat_state(of.network, of.layout)
    for name, value in of.network.named_parameters():
        assert torch.equal(of.layout.split_parameters(theta)[name], value)
    for name, value in of.network.named_buffers():
        assert torch.equal(of.layout.split_buffers(buffers)[name], value)
    assert theta.numel() == sum(p.numel() for p in of.network.parameters())
