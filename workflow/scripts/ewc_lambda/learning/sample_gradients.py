"""Sums over samples of squared (or absolute) per-sample gradients of one trained network.

Dense, convolution and batch-normalization layers go the way of `layer_gradients`. Others go
through ``torch.func``, which is general and on a CPU slower (for convolutions slower than a loop
over samples).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from ewc_lambda.learning.layer_gradients import Layer, layer_of
from ewc_lambda.networks.models import Layout, Network, bound_copy

# Samples that go through together, measured: on a CPU what fits its cache, on a GPU what fills it.
# And how many are summed in the weights' own type before they are added to the sum in float64.
CHUNK = 32
GPU_CHUNK = 256
SUMMED = 256

# Maps the logits (n, K) of some samples and the index of the first to directions (n, V, K).
Directions = Callable[[Tensor, int], Tensor]


class Inputs(Protocol):
    """Inputs (N, *input_shape), of which some rows are a tensor: one, or what makes one."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Tensor | slice, /) -> Tensor: ...


@dataclass(frozen=True)
class Trained:
    """One member in evaluation mode: flat parameters (size,) and buffers (buffer_size,), and the
    head and number of outputs K that `Network.route` gave. Of ``network`` only the structure
    counts.
    """

    network: Network
    layout: Layout
    theta: Tensor
    buffers: Tensor
    route: tuple[int, int]


def sum_sample_gradients(of: Trained, x: Inputs, directions: Directions, power: int) -> Tensor:
    """Sum over samples and directions v of |v^T J|^power, J the Jacobian of the outputs by the
    shared parameters.

    Args:
        of: the trained network.
        x: inputs (N, *input_shape).
        directions: the vectors v of each sample.
        power: 1 or 2.

    Returns:
        (shared,) in the type of ``theta``.

    """
    sums = _running_sum(of, power)
    total = torch.zeros(of.layout.shared, dtype=torch.float64, device=of.theta.device)
    chunk = CHUNK if of.theta.device.type == "cpu" else GPU_CHUNK
    for first in range(0, len(x), SUMMED):
        for start in range(first, min(first + SUMMED, len(x)), chunk):
            sums.add(x[start : start + chunk], directions, start)
        total += sums.take()
    return total.to(of.theta.dtype)


class _LayerSums:
    """The running sum where every layer with shared parameters knows its own."""

    def __init__(self, of: Trained, network: Network, layers: dict[str, Layer]) -> None:
        self._of = of
        self._network = network
        self._layers = layers
        for name, layer in layers.items():
            network.get_submodule(name).register_forward_hook(layer.watch)

    def add(self, x: Tensor, directions: Directions, start: int) -> None:
        """Add some samples, the first of which has the index ``start``."""
        logits = self._network(x, *self._of.route)
        outputs = [layer.output for layer in self._layers.values()]
        vectors = directions(logits.detach(), start).unbind(dim=1)
        # The same bits as with v for grad_outputs, for which torch imports sympy: half a second.
        seen = [(logits * v).sum() for v in vectors]
        back = [torch.autograd.grad(each, outputs, retain_graph=True) for each in seen]
        for layer, *gradients in zip(self._layers.values(), *back, strict=True):
            layer.add(gradients)

    def take(self) -> Tensor:
        """The sum (shared,) since the last call."""
        named = {}
        for name, layer in self._layers.items():
            named[f"{name}.weight"], named[f"{name}.bias"] = layer.take()
        return self._of.layout.join(named, "shared")


class _GeneralSums:
    """The running sum for any network: through ``vmap``, or one sample after the other."""

    def __init__(self, of: Trained, network: Network, power: int) -> None:
        self._of = of
        self._network = network
        self._power = power
        self._sum = torch.zeros(())

    def add(self, x: Tensor, directions: Directions, start: int) -> None:
        """Add some samples, the first of which has the index ``start``."""
        with torch.no_grad():
            vectors = directions(self._network(x, *self._of.route), start)
        weights = self._of.theta[: self._of.layout.shared].detach()
        if self._network.vmapped_gradients:
            of_sample = vmap(grad(self._projected), (None, None, 0))
            each = vmap(of_sample, (None, 0, 0))(weights, x, vectors)
            sized = each.square() if self._power == 2 else each.abs()
            self._sum = self._sum + sized.sum(dim=(0, 1))
            return
        leaf = weights.clone().requires_grad_()
        for sample, own in zip(x, vectors, strict=True):
            for direction in own:
                (row,) = torch.autograd.grad(self._projected(leaf, sample, direction), leaf)
                self._sum = self._sum + row.abs().pow(self._power)

    def take(self) -> Tensor:
        """The sum (shared,) since the last call."""
        found, self._sum = self._sum, torch.zeros(())
        return found

    def _projected(self, weights: Tensor, sample: Tensor, direction: Tensor) -> Tensor:
        parts = self._of.layout.split_shared(weights)
        logits = functional_call(self._network, parts, (sample.unsqueeze(0), *self._of.route))
        return (logits[0] * direction).sum()


def _running_sum(of: Trained, power: int) -> _LayerSums | _GeneralSums:
    network = bound_copy(of.network, of.layout, of.theta.detach(), of.buffers)
    network.requires_grad_(False).eval()
    layers = {}
    for part, module in network.shared_modules():
        for name, inner in module.named_modules(prefix=part):
            if next(inner.parameters(recurse=False), None) is None:
                continue
            layer = layer_of(inner, power)
            if layer is None or not network.layerwise:
                return _GeneralSums(of, network, power)
            layers[name] = layer
    return _LayerSums(of, network, layers)
