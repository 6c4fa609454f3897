"""The project's convolutional trunks: shapes and counts by hand, and their normalization."""

import pytest
import torch
from torch import nn

from ewc_lambda.errors import StudyError
from ewc_lambda.networks.models import Layout, Network, build_network
from ewc_lambda.networks.trunks import BasicBlock, GroupNorm, original_cnn, resnet18, small_cnn

MODELS = {"original_cnn": original_cnn, "small_cnn": small_cnn, "resnet18": resnet18}
NORMALIZED = {"original_cnn": 2, "small_cnn": 2, "resnet18": 20}


def made(model, **changes):
    config = {"model": model, "normalization": None, "heads": "per_task", **changes}
    return build_network(config, (1, 16, 16), (3, 3))


def of_kind(module, kind):
    return [m for m in module.modules() if isinstance(m, kind)]


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("side", "pooled"), [(8, 2), (28, 7)])
def test_small_cnn_has_the_number_of_parameters_counted_by_hand(side, pooled):
    trunk = small_cnn((1, side, side))
    convolutions = (9 * 1 + 1) * 16 + (9 * 16 + 1) * 32
    assert parameters(trunk) == convolutions + (32 * pooled * pooled + 1) * 64
    assert trunk(torch.zeros(5, 1, side, side)).shape == (5, 64)


def test_resnet18_has_the_number_of_parameters_counted_by_hand():
    def block(inputs, outputs):
        projection = inputs * outputs + 2 * outputs if inputs != outputs else 0
        return 9 * inputs * outputs + 9 * outputs * outputs + 4 * outputs + projection

    widths = [(64, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
    widths += [(256, 512), (512, 512)]
    trunk = resnet18((3, 32, 32))
    assert parameters(trunk) == 27 * 64 + 2 * 64 + sum(block(*pair) for pair in widths)
    assert parameters(trunk) == 11_168_832


def test_resnet18_keeps_small_images_whole_at_first_and_ends_with_512_features():
    trunk = resnet18((3, 32, 32)).eval()
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    sides = []
    for layer in trunk:
        x = layer(x)
        sides.append(tuple(x.shape[1:]))
    assert sides[0] == (64, 32, 32)
    assert [side for side in sides if len(side) == 3][-1] == (512, 4, 4)
    assert sides[-1] == (512,)
    assert len(of_kind(trunk, nn.Conv2d)) == 1 + 8 * 2 + 3
    assert not of_kind(trunk, nn.MaxPool2d)


def test_a_block_adds_its_two_ways():
    block = BasicBlock(8, 8, 1, "none")
    with torch.no_grad():
        for convolution in of_kind(block, nn.Conv2d):
            convolution.weight.zero_()
    x = torch.randn(2, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    # Without its convolutions a block is the way around alone, rectified.
    assert torch.equal(block(x), x.clamp(min=0))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("normalization", "kind"), [("batch", nn.BatchNorm2d), ("group", nn.GroupNorm), ("none", None)]
)
def test_normalization_is_the_one_asked_for(model, normalization, kind):
    network = made(model, normalization=normalization)
    found = of_kind(network, nn.BatchNorm2d | nn.GroupNorm)
    assert len(found) == (0 if kind is None else NORMALIZED[model])
    assert all(isinstance(layer, kind) for layer in found)
    # Running statistics, and no count of batches.
    assert (Layout.of(network).buffer_size > 0) == (normalization == "batch")


def test_null_is_the_models_own_normalization():
    for model, kind in (("original_cnn", nn.BatchNorm2d), ("resnet18", nn.BatchNorm2d)):
        assert len(of_kind(made(model, normalization=None), kind)) == NORMALIZED[model]
    assert not of_kind(made("small_cnn", normalization=None), nn.BatchNorm2d | nn.GroupNorm)


def test_group_normalization_is_torchs():
    generator = torch.Generator().manual_seed(0)
    ours, torchs = GroupNorm(8, 16), nn.GroupNorm(8, 16)
    with torch.no_grad():
        for layer in (ours, torchs):
            layer.weight.copy_(torch.linspace(0.5, 2, 16))
            layer.bias.copy_(torch.linspace(-1, 1, 16))
    x = 3 + torch.randn(4, 16, 5, 7, generator=generator)
    torch.testing.assert_close(ours(x), torchs(x))


def test_group_normalization_sees_no_other_sample():
    network = Network(small_cnn((1, 8, 8), "group"), (1, 8, 8), (3,), "shared").train()
    x = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(x, 0, 3)[:1], network(x[:1], 0, 3))


@pytest.mark.parametrize(
    ("model", "shape"),
    [("small_cnn", (4,)), ("small_cnn", (1, 3, 8)), ("resnet18", (3, 8, 8)), ("resnet18", (64,))],
)
def test_inputs_that_a_model_cannot_take_are_refused(model, shape):
    with pytest.raises(StudyError, match=rf"^model: {model} needs images of at least .* 'mlp'"):
        MODELS[model](shape)


def test_resnet18_trains_on_a_batch_of_one_image_of_the_least_size():
    x = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert resnet18((1, 16, 16)).train()(x).isfinite().all()
