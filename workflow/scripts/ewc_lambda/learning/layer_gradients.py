"""Sums over samples of squared (or absolute) per-sample gradients, layer by layer.

What a sample's gradient by a layer's weights needs is the layer's input and the gradient at its
output (Goodfellow 2015, sec. 4; for convolutions Rochette et al. 2019, sec. 3). So some samples go
forward together and back once per direction, and a layer takes one matrix product per sample for
all directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# Elements of per-sample gradients that are made at once on a CPU: what a core's own cache holds.
BLOCK = 1 << 16


class Layer:
    """A layer with weights: its input and output in the latest pass, and its running sums."""

    def __init__(self, module: nn.Module, power: int) -> None:
        # Each kind of layer reads what its own kind of module has.
        self.module: Any = module
        self.given = torch.empty(0)
        self.output = torch.empty(0)
        self._power = power
        self._weight = torch.zeros(())
        self._bias = torch.zeros(())

    def watch(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """Take note of a pass, as a forward hook."""
        self.given = inputs[0].detach()
        self.output = output if output.requires_grad else output.requires_grad_()
        return self.output

    def add(self, gradients: Sequence[Tensor]) -> None:
        """Add the samples of the latest pass, from the gradients at their outputs (n, ...), one
        tensor per direction.
        """
        raise NotImplementedError

    def take(self) -> tuple[Tensor, Tensor]:
        """The sums by weight and bias since the last call, in the weight's and bias's shapes."""
        sums = self._weight, self._bias
        self._weight = self._bias = torch.zeros(())
        return sums

    def _sized(self, values: Tensor) -> Tensor:
        return values.square() if self._power == 2 else values.abs()


class Dense(Layer):
    """x W^T + b: a sample's gradient is an outer product, |g_o a_i|^p = |g_o|^p |a_i|^p."""

    def add(self, gradients: Sequence[Tensor]) -> None:
        """See `Layer`."""
        sized = torch.stack([self._sized(g) for g in gradients]).sum(dim=0)
        self._weight = self._weight + sized.t() @ self._sized(self.given)
        self._bias = self._bias + sized.sum(dim=0)


class Convolution(Layer):
    """A convolution: the product of a sample's gradients and the patches of its input."""

    def add(self, gradients: Sequence[Tensor]) -> None:
        """See `Layer`."""
        for g in gradients:
            self._bias = self._bias + self._sized(g.sum(dim=(2, 3))).sum(dim=0)
        patches = self._patches(*gradients[0].shape[2:])
        samples = len(patches)
        # (n, positions, outputs), for each direction
        sides = [g.movedim(1, -1).flatten(1, 2) for g in gradients]
        outputs, inputs = sides[0].shape[2], patches[0, 0, 0].numel()
        step = samples if sides[0].is_cuda else BLOCK // (len(sides) * outputs * inputs)
        if self._weight.ndim == 0:
            # Few samples fit: one product for all directions then saves calls. The first chunk
            # decides for those after it, whose sums are added to its own.
            rows = len(sides) * outputs if step < samples else outputs
            self._weight = sides[0].new_zeros(rows, inputs)
        if len(self._weight) > outputs:
            sides = [torch.cat(sides, dim=2)]
        step = min(max(1, step), samples)
        dense = sides[0].new_empty(step, *patches.shape[1:])
        each = sides[0].new_empty(step, *self._weight.shape)
        for first in range(0, samples, step):
            block = slice(first, first + step)
            n = len(patches[block])
            right = dense[:n].copy_(patches[block]).view(n, -1, inputs)
            for side in sides:
                self._gather(torch.bmm(side[block].transpose(1, 2), right, out=each[:n]))

    def _gather(self, each: Tensor) -> None:
        """Add per-sample gradients (n, V * outputs, inputs), which are overwritten."""
        if len(each) > 4:
            sized = each.square_() if self._power == 2 else each.abs_()
            self._weight += sized.sum(dim=0)
        elif self._power == 2:
            for one in each:
                self._weight.addcmul_(one, one)
        else:
            for one in each:
                self._weight += one.abs_()

    def take(self) -> tuple[Tensor, Tensor]:
        """See `Layer`."""
        weight, bias = super().take()
        outputs, inputs, rows, columns = self.module.weight.shape
        weight = weight.view(-1, outputs, rows, columns, inputs).sum(dim=0)
        return weight.movedim(-1, 1), bias

    def _patches(self, height: int, width: int) -> Tensor:
        """What each output sees, as a view (n, height, width, rows, columns, channels)."""
        module = self.module
        (rows, columns), (down, right) = module.kernel_size, module.stride
        (row_gap, column_gap), (top, left) = module.dilation, module.padding
        x = functional.pad(self.given, (left, left, top, top)).movedim(1, -1).contiguous()
        n, _, _, channels = x.shape
        sample, row, column, channel = x.stride()
        return x.as_strided(
            (n, height, width, rows, columns, channels),
            (sample, row * down, column * right, row * row_gap, column * column_gap, channel),
        )


class Affine(Layer):
    """The weights of a normalization: a slope and an offset of each normalized channel."""

    def add(self, gradients: Sequence[Tensor]) -> None:
        """See `Layer`."""
        normalized = self._normalized()
        for g in gradients:
            self._weight = self._weight + self._sized((g * normalized).sum((2, 3))).sum(dim=0)
            self._bias = self._bias + self._sized(g.sum(dim=(2, 3))).sum(dim=0)

    def _normalized(self) -> Tensor:
        raise NotImplementedError


class GroupNormalization(Affine):
    """Group normalization, which autograd knows the way through."""

    def _normalized(self) -> Tensor:
        return functional.group_norm(self.given, self.module.num_groups, eps=self.module.eps)


class BatchNormalization(Affine):
    """Batch normalization in evaluation mode: an affine map of each channel."""

    def __init__(self, module: nn.BatchNorm2d, power: int) -> None:
        super().__init__(module, power)
        values = [self.module.running_var, self.module.running_mean, module.weight, module.bias]
        variance, self._mean, weight, bias = (value.view(-1, 1, 1) for value in values)
        self._scale = (variance + module.eps).rsqrt()
        self._slope = weight * self._scale
        self._offset = bias - self._mean * self._slope

    def watch(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """Take note of a pass. torch's way back through a normalization computes its statistics
        again; that of the affine map is one product.
        """
        self.given = inputs[0].detach()
        self.output = inputs[0] * self._slope + self._offset
        if not self.output.requires_grad:
            self.output.requires_grad_()
        return self.output

    def _normalized(self) -> Tensor:
        return (self.given - self._mean) * self._scale


def layer_of(module: nn.Module, power: int) -> Layer | None:
    """What sums the per-sample gradients of a module with parameters, if anything here does."""
    if isinstance(module, nn.Linear):
        return Dense(module, power)
    if isinstance(module, nn.Conv2d):
        plain = module.groups == 1 and module.padding_mode == "zeros"
        return Convolution(module, power) if plain and not isinstance(module.padding, str) else None
    if isinstance(module, nn.BatchNorm2d) and module.affine and module.track_running_stats:
        return BatchNormalization(module, power)
    if isinstance(module, nn.GroupNorm) and module.affine:
        return GroupNormalization(module, power)
    return None
