"""Networks: a trunk that all tasks share, and the heads on it.

A network's parameters also live in one flat vector, the shared ones first, so that the optimizer,
the penalty and the importance measures are a few operations on vectors, whatever the model.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ewc_lambda.networks.custom_model import check_repeats, load_trunk
from ewc_lambda.networks.trunks import build_trunk


class Network(nn.Module):
    """A trunk and its heads, which take the trunk's features (N, features).

    With ``heads`` = ``per_task`` each task k has a head of ``outputs[k]``; ``shared`` has one of
    that width for all; ``growing`` has one head over all classes, of which the ``outputs[k]``
    introduced up to task k are used.

    ``vmapped`` says whether members go through ``torch.func.vmap`` together, ``layerwise`` whether
    per-sample gradients follow from what the trunk's layers take and give, each once, and
    ``vmapped_gradients`` whether they go through ``vmap`` of ``grad``. All hold for the project's
    trunks; `problems.build_problem` finds out about others.
    """

    def __init__(
        self, trunk: nn.Module, input_shape: Sequence[int], outputs: Sequence[int], heads: str
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.mode = heads
        self.outputs = tuple(outputs)
        widths = list(outputs) if heads == "per_task" else [max(outputs)]
        features = _output_width(trunk, input_shape)
        self.heads = nn.ModuleList(nn.Linear(features, width) for width in widths)
        self.vmapped = True
        self.layerwise = True
        self.vmapped_gradients = True

    def route(self, task: int, stage: int) -> tuple[int, int]:
        """Head and number of its outputs that serve ``task`` once ``stage`` is the newest task."""
        if self.mode == "per_task":
            return task, self.outputs[task]
        if self.mode == "shared":
            return 0, self.outputs[task]
        return 0, self.outputs[max(task, stage)]

    def forward(self, x: Tensor, head: int, width: int) -> Tensor:
        """Logits (or regression outputs) of shape (N, width)."""
        return self.heads[head](self.trunk(x))[..., :width]

    def shared_modules(self) -> list[tuple[str, nn.Module]]:
        """The parts whose parameters all tasks use, and which the penalty therefore covers."""
        parts: list[tuple[str, nn.Module]] = [("trunk", self.trunk)]
        return parts if self.mode == "per_task" else [*parts, ("heads", self.heads)]


def build_network(
    config: Mapping[str, Any], input_shape: Sequence[int], outputs: Sequence[int], seed: int = 0
) -> Network:
    """The network of a study. Its weights are not yet drawn, but for those of a custom trunk, which
    follow from ``seed``.

    Raises:
        StudyError: the model does not fit the data's shape, or its file does not serve.

    """
    if config["model"] == "custom":
        trunk = load_trunk(config, input_shape, seed)
    else:
        trunk = build_trunk(config, input_shape)
    return Network(trunk, input_shape, outputs, config["heads"])


def draw_network(
    config: Mapping[str, Any],
    input_shape: Sequence[int],
    outputs: Sequence[int],
    generator: np.random.Generator,
) -> Network:
    """The network of a study with its initial weights. A custom trunk draws its own.

    Raises:
        StudyError: as `build_network`, or a custom trunk's weights are not the same twice.

    """
    if config["model"] != "custom":
        network = build_network(config, input_shape, outputs)
        draw_weights(network, generator)
        return network
    seed = int(generator.integers(2**63))
    network = build_network(config, input_shape, outputs, seed)
    check_repeats(config, input_shape, seed, network.trunk)
    draw_weights(network.heads, generator)
    return network


def draw_weights(module: nn.Module, generator: np.random.Generator) -> None:
    """Draw weights as Keras does: Glorot-uniform kernels, zero biases (Glorot and Bengio 2010,
    eq. 16), in the order of the modules; normalization layers start as the identity.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(layer.weight)
            limit = math.sqrt(6.0 / (fan_in + fan_out))
            drawn = generator.uniform(-limit, limit, size=tuple(layer.weight.shape))
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(drawn.astype(np.float32)))
                if layer.bias is not None:
                    layer.bias.zero_()


@dataclass(frozen=True)
class Layout:
    """Where each tensor of a network lies in the flat vectors.

    ``parameters`` and ``buffers`` map a name to (offset, shape); buffers of whole numbers, which
    never change, are in the network alone. The first ``shared`` of the
    ``size`` parameters are those that all tasks share. Kernels of convolutions lie in the order
    output, row, column, input: what torch calls channels_last, the faster one on a CPU.
    """

    parameters: dict[str, tuple[int, torch.Size]]
    buffers: dict[str, tuple[int, torch.Size]]
    shared: int
    size: int
    buffer_size: int

    @classmethod
    def of(cls, network: Network) -> Layout:
        """Layout of a network's parameters and buffers."""
        shared_names = [
            f"{part}.{name}"
            for part, module in network.shared_modules()
            for name, _ in module.named_parameters()
        ]
        named = dict(network.named_parameters())
        order = shared_names + [name for name in named if name not in set(shared_names)]
        parameters, size = _places({name: named[name] for name in order})
        buffers, buffer_size = _places(_moving_buffers(network))
        shared = sum(named[name].numel() for name in shared_names)
        return cls(parameters, buffers, shared, size, buffer_size)

    def split_parameters(self, theta: Tensor) -> dict[str, Tensor]:
        """Views of a flat (..., size) vector as tensors of shape (..., *shape), by name."""
        return _views(theta, self.parameters)

    def split_buffers(self, flat: Tensor) -> dict[str, Tensor]:
        """Views of a flat (..., buffer_size) vector as the network's buffers, by name."""
        return _views(flat, self.buffers)

    def split_shared(self, flat: Tensor) -> dict[str, Tensor]:
        """Views of a flat (..., shared) vector, by the name of the shared parameter."""
        places = {n: place for n, place in self.parameters.items() if place[0] < self.shared}
        return _views(flat, places)

    def join(self, tensors: Mapping[str, Tensor], places: str) -> Tensor:
        """The flat vector (..., n) of named tensors of shape (..., *shape): the inverse of the
        splits. ``places`` is parameters, buffers or shared.
        """
        chosen = self.buffers if places == "buffers" else self.parameters
        flats = []
        for name, (offset, shape) in chosen.items():
            if places == "shared" and offset >= self.shared:
                continue
            tensor = tensors[name]
            leading = tensor.shape[: tensor.ndim - len(shape)]
            if len(shape) == 4:
                tensor = tensor.movedim(-3, -1)
            flats.append(tensor.reshape(*leading, shape.numel()))
        return torch.cat(flats, dim=-1) if flats else torch.zeros(0)


def flat_state(network: Network, layout: Layout) -> tuple[Tensor, Tensor]:
    """A network's parameters and buffers as flat vectors of shape (size,) and (buffer_size,)."""
    with torch.no_grad():
        theta = layout.join(dict(network.named_parameters()), "parameters").detach().clone()
        buffers = layout.join(_moving_buffers(network), "buffers").detach().clone()
    return theta, buffers


def bound_copy(network: Network, layout: Layout, theta: Tensor, buffers: Tensor) -> Network:
    """A copy of a network whose parameters and buffers are views of flat vectors (size,) and
    (buffer_size,).
    """
    copied = copy.deepcopy(network)
    values = layout.split_parameters(theta)
    for name, parameter in copied.named_parameters():
        parameter.data = values[name]
    for name, view in layout.split_buffers(buffers).items():
        owner, _, leaf = name.rpartition(".")
        copied.get_submodule(owner).register_buffer(leaf, view)
    return copied


def _moving_buffers(network: Network) -> dict[str, Tensor]:
    return {name: b for name, b in network.named_buffers() if b.is_floating_point()}


def _places(tensors: Mapping[str, Tensor]) -> tuple[dict[str, tuple[int, torch.Size]], int]:
    places, offset = {}, 0
    for name, tensor in tensors.items():
        places[name] = (offset, tensor.shape)
        offset += tensor.numel()
    return places, offset


def _views(flat: Tensor, places: Mapping[str, tuple[int, torch.Size]]) -> dict[str, Tensor]:
    views = {}
    for name, (offset, shape) in places.items():
        part = flat[..., offset : offset + shape.numel()]
        leading = part.shape[:-1]
        if len(shape) == 4:
            outputs, inputs, rows, columns = shape
            part = part.view(*leading, outputs, rows, columns, inputs).movedim(-1, -3)
        else:
            part = part.view((*leading, *shape))
        views[name] = part
    return views


def _output_width(module: nn.Module, input_shape: Sequence[int]) -> int:
    training = module.training
    module.eval()
    with torch.no_grad():
        output = module(torch.zeros(1, *input_shape))
    module.train(training)
    return int(output.shape[-1])
