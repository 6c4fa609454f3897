"""The trunks that come with the project: what of a network all tasks share.

Each function builds one from the shape of a sample, and refuses a shape that it cannot take. The
layers are torch's own, so their initial weights are drawn elsewhere (`models.draw_weights`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ewc_lambda.errors import StudyError

# What the key ``normalization`` stands for where it is null.
_OWN_NORMALIZATION = {"original_cnn": "batch", "small_cnn": "none", "resnet18": "batch"}
# Of GroupNorm; the paper's 32 would leave a layer of 32 channels one channel a group.
_GROUPS = 8


def build_trunk(config: Mapping[str, Any], input_shape: Sequence[int]) -> nn.Module:
    """The trunk that the keys ``model``, ``hidden`` and ``normalization`` describe.

    Raises:
        StudyError: the model does not fit the data's shape.

    """
    model = config["model"]
    if model == "mlp":
        return mlp(input_shape, config["hidden"], config.get("negative_slope", 0))
    normalization = config["normalization"] or _OWN_NORMALIZATION[model]
    trunk = _IMAGE_TRUNKS[model](input_shape, normalization)
    drop_batch_counts(trunk)
    return trunk


def drop_batch_counts(trunk: nn.Module) -> None:
    """Remove from normalization layers the count of batches, which nothing reads where a momentum
    is set. Where none is, and the count goes into the average, it becomes a float as the other
    buffers that change: each member has its own.
    """
    for module in trunk.modules():
        if not isinstance(module, nn.modules.batchnorm._NormBase):
            continue
        if module.momentum is not None:
            module.num_batches_tracked = None
        elif module.num_batches_tracked is not None:
            module.num_batches_tracked = module.num_batches_tracked.float()


def mlp(input_shape: Sequence[int], hidden: Sequence[int], negative_slope: float = 0) -> nn.Module:
    """Dense layers, each with a rectifier: ReLU, or a leaky one with a slope below 0. Input (N,
    *input_shape), output (N, hidden[-1]); with none, the inputs themselves as (N, features).
    """
    widths = [math.prod(input_shape), *hidden]
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(widths):
        rectifier = nn.LeakyReLU(negative_slope) if negative_slope else nn.ReLU()
        layers += [nn.Linear(inputs, outputs), rectifier]
    return nn.Sequential(*layers)


def original_cnn(input_shape: Sequence[int], normalization: str = "batch") -> nn.Module:
    """The original study's convolutional trunk. Input (N, C, H, W), output (N, 32)."""
    _check_images("original_cnn", input_shape, 16)

    def normalized(channels: int) -> nn.Module:
        # Keras's defaults, with which the original was trained: moving averages keep 0.99 of the
        # old value (torch names the weight of the new one) and 1e-3 is added to the variance.
        return _normalization(normalization, channels, momentum=0.01, eps=1e-3)

    rows, columns = ((side - 2) // 2 - 6 for side in input_shape[1:])
    # The original's ReLU stands before the pooling and before the flattening. Behind them it gives
    # the same bits, of four times fewer values and in one memory layout: a quarter less time.
    convolutions = nn.Sequential(
        nn.Conv2d(input_shape[0], 32, 3),
        nn.MaxPool2d(2),
        nn.ReLU(),
        normalized(32),
        nn.Conv2d(32, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        normalized(64),
        nn.Conv2d(64, 64, 3),
        nn.Flatten(),
        nn.ReLU(),
    )
    return nn.Sequential(
        convolutions, nn.Linear(64 * rows * columns, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()
    )


def small_cnn(input_shape: Sequence[int], normalization: str = "none") -> nn.Module:
    """Two convolutions, each halved by pooling, and a dense layer: for images of 8 x 8 or 28 x 28
    on a CPU. Input (N, C, H, W), output (N, 64).
    """
    _check_images("small_cnn", input_shape, 4)
    layers: list[nn.Module] = []
    for inputs, outputs in ((input_shape[0], 16), (16, 32)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, padding=1),
            _normalization(normalization, outputs),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    features = 32 * (input_shape[1] // 4) * (input_shape[2] // 4)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, 64), nn.ReLU())


def resnet18(input_shape: Sequence[int], normalization: str = "batch") -> nn.Module:
    """ResNet-18 (He et al. 2016, table 1) in its form for small images: a first convolution of
    3 x 3 and stride 1, and no pooling after it. Input (N, C, H, W), output (N, 512).
    """
    # Statistics of a batch of one sample need more than one pixel at the last stage.
    _check_images("resnet18", input_shape, 16)
    layers: list[nn.Module] = [
        nn.Conv2d(input_shape[0], 64, 3, padding=1, bias=False),
        _normalization(normalization, 64),
        nn.ReLU(),
    ]
    inputs = 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [
            BasicBlock(inputs, outputs, stride, normalization),
            BasicBlock(outputs, outputs, 1, normalization),
        ]
        inputs = outputs
    return nn.Sequential(*layers, GlobalAverage())


class BasicBlock(nn.Module):
    """Two convolutions and a way around them (He et al. 2016, fig. 2; a projection where the
    shape changes, their option B). Input (N, inputs, H, W), output (N, outputs, H', W') with
    sides divided by ``stride``, rounded up.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, normalization: str) -> None:
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            _normalization(normalization, outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            _normalization(normalization, outputs),
        )
        self.around: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.around = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                _normalization(normalization, outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both ways, rectified."""
        return functional.relu(self.way(x) + self.around(x))


class GlobalAverage(nn.Module):
    """Mean over the pixels: (N, C, H, W) to (N, C). torch's adaptive pooling has no deterministic
    gradient on a GPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The mean of each channel."""
        return x.mean(dim=(2, 3))


class GroupNorm(nn.GroupNorm):
    """torch's layer in plain operations: its own gradient cannot be taken for several directions
    at once, as the Fisher information needs it. Input and output (N, C, H, W).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Each group of channels of each sample with mean 0 and variance 1, scaled and shifted."""
        groups = x.reshape(len(x), self.num_groups, -1)
        variance, mean = torch.var_mean(groups, dim=2, correction=0, keepdim=True)
        normalized = ((groups - mean) * (variance + self.eps).rsqrt()).reshape(x.shape)
        return normalized * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)


def _normalization(
    kind: str, channels: int, *, momentum: float = 0.1, eps: float = 1e-5
) -> nn.Module:
    """Of N x C x H x W: over the batch (Ioffe and Szegedy 2015), over groups of channels (Wu and
    He 2018), or none.
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels, momentum=momentum, eps=eps)
    return GroupNorm(_GROUPS, channels, eps=eps) if kind == "group" else nn.Identity()


def _check_images(model: str, input_shape: Sequence[int], least: int) -> None:
    if len(input_shape) != 3 or min(input_shape[1:]) < least:
        raise StudyError(
            f"model: {model} needs images of at least {least} x {least}, not inputs of shape "
            f"{tuple(input_shape)}. Choose 'mlp' for this data set."
        )


_IMAGE_TRUNKS = {"original_cnn": original_cnn, "small_cnn": small_cnn, "resnet18": resnet18}
