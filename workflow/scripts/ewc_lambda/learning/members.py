"""A set of networks of one structure that are trained together, each with its own weights.

Three ways to compute the same thing. *Stacked* members go through one program: where a small
network alone would leave a GPU idle, or most of the time of a core would go between operations. It
is a few batched products for networks of dense layers on a CPU (`dense`), and ``torch.func.vmap``
for all others. *Looped* members take turns: the way for convolutions on a CPU, where a batched
kernel per member is slower than one after another (benchmarks/members.py measures all).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ewc_lambda.learning.dense import Dense, dense_chain
from ewc_lambda.learning.losses import correct, sample_losses
from ewc_lambda.networks.models import Layout, Network, bound_copy

# Samples of an evaluation that go through at once. Measured on one core: the original's network
# takes 0.14 ms a sample with 32 to 100 of them, 0.21 ms with 500; stacked dense members gain by
# fewer, larger products.
STACKED_BATCH = 500
LOOPED_BATCH = 64
# And samples times members of dense layers, whose values then stay in a core's cache.
DENSE_ROWS = 7200


@dataclass(frozen=True)
class Samples:
    """Inputs (N, ...), images in the order N, H, W, C; and targets (N,) or (N, D).

    Whole numbers, as pictures are stored, stay what they are until they are taken: then they become
    float32, times ``scale``. Values with a fraction are taken as they are.
    """

    x: Tensor
    y: Tensor
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """Inputs (..., C, H, W) or (..., F) of some rows, as a model takes them."""
        x = self.x[rows]
        if not x.is_floating_point():
            x = x.to(torch.float32).mul_(self.scale)
        return x.movedim(-1, -3) if self.x.ndim == 4 else x

    def take(self, rows: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Inputs and targets of some rows."""
        return self[rows], self.y[rows]

    def part(self, rows: Tensor | slice) -> Samples:
        """Some of the samples."""
        return Samples(self.x[rows], self.y[rows], self.scale)


@dataclass(frozen=True)
class Part:
    """A batch of every member for one task: ``x`` (members, B, ...), ``y`` (members, B, ...)."""

    x: Tensor
    y: Tensor
    route: tuple[int, int]


class Members:
    """Weights and gradients of a set of networks.

    ``theta`` (members, size) and ``buffers`` (members, buffer_size) hold the state and are
    changed in place; ``gradient`` (members, size) holds what `backward` leaves. With ``bfloat16``
    layers compute in that precision, weights and losses do not.
    """

    def __init__(
        self,
        network: Network,
        layout: Layout,
        theta: Tensor,
        buffers: Tensor,
        loss: str,
        stacked: bool,
        bfloat16: bool = False,
    ) -> None:
        self.network = network
        self.layout = layout
        self.theta = theta.clone().contiguous()
        self.buffers = buffers.clone().contiguous()
        self.gradient = torch.zeros_like(self.theta)
        self.loss = loss
        self.stacked = stacked
        self._bfloat16 = bfloat16
        self._dense: Dense | None = None
        if (
            stacked
            and not bfloat16
            and theta.device.type == "cpu"
            and (chain := dense_chain(network)) is not None
        ):
            self._dense = Dense(chain, layout, self.theta, self.gradient, loss)
        elif stacked:
            # A leaf per tensor: through one flat leaf each tensor's gradient would be padded to
            # the size of all of them before they are summed.
            self._leaves = layout.split_parameters(self.theta.detach())
            for leaf in self._leaves.values():
                leaf.requires_grad_()
            self._gradients = list(layout.split_parameters(self.gradient).values())
        else:
            self._copies = [self._bound_copy(member) for member in range(len(theta))]

    def __len__(self) -> int:
        return len(self.theta)

    @property
    def shared(self) -> Tensor:
        """View of the shared weights (members, shared)."""
        return self.theta[:, : self.layout.shared]

    def backward(self, parts: Sequence[Part], *, frozen_statistics: bool = False) -> None:
        """Write the gradient of each member's task loss, the mean over parts of the mean over a
        batch, into ``gradient``. With ``frozen_statistics`` batch normalization uses its running
        statistics and leaves them as they are.
        """
        if self._dense:
            self._dense.backward([(part.x, part.y, part.route) for part in parts])
            return
        self.gradient.zero_()
        if self.stacked:
            _train_mode(self.network, frozen_statistics)
            loss, leaves = self._stacked_loss(parts), list(self._leaves.values())
            found = torch.autograd.grad(loss, leaves, allow_unused=True)
            for target, gradient in zip(self._gradients, found, strict=True):
                if gradient is not None:
                    target.copy_(gradient)
            return
        for member, network in enumerate(self._copies):
            _train_mode(network, frozen_statistics)
            losses = [
                sample_losses(
                    self._forward(network, p.x[member], *p.route), p.y[member], self.loss
                ).mean()
                for p in parts
            ]
            (sum(losses[1:], losses[0]) / len(losses)).backward()

    def evaluate(self, samples: Samples, route: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Mean task loss and accuracy of each member (members,), in float64, in evaluation
        mode.
        """
        loss = torch.zeros(len(self), dtype=torch.float64, device=self.theta.device)
        accuracy = torch.zeros_like(loss)
        size = STACKED_BATCH if self.stacked else LOOPED_BATCH
        if self._dense:
            size = max(1, min(size, DENSE_ROWS // len(self)))
        with torch.no_grad():
            for start in range(0, len(samples), size):
                x, y = samples.take(slice(start, start + size))
                logits = self._logits(x, route)
                targets = y.expand(len(self), *y.shape)
                loss += sample_losses(logits, targets, self.loss).sum(1, dtype=torch.float64)
                accuracy += correct(logits, targets, self.loss).sum(1, dtype=torch.float64)
        return loss / len(samples), accuracy / len(samples)

    def _logits(self, x: Tensor, route: tuple[int, int]) -> Tensor:
        """(members, N, K) in evaluation mode."""
        if self._dense:
            return self._dense.logits(x, route)
        if self.stacked:
            self.network.eval()
            parameters = self.layout.split_parameters(self.theta)
            buffers = self.layout.split_buffers(self.buffers)
            return self._forward(self._stack(route, shared_x=True), parameters, buffers, x)
        for network in self._copies:
            network.eval()
        return torch.stack([self._forward(network, x, *route) for network in self._copies])

    def _stacked_loss(self, parts: Sequence[Part]) -> Tensor:
        # Of buffers that are not contiguous vmap changes a copy: running statistics would be lost.
        # And the way back needs them as they were: those of one member are contiguous as they are.
        views = self.layout.split_buffers(self.buffers)
        contiguous = torch.contiguous_format
        buffers = {name: view.clone(memory_format=contiguous) for name, view in views.items()}
        total = torch.zeros((), device=self.theta.device)
        for part in parts:
            logits = self._forward(self._stack(part.route), self._leaves, buffers, part.x)
            total = total + sample_losses(logits, part.y, self.loss).mean(dim=1).sum()
        if buffers:
            self.buffers.copy_(self.layout.join(buffers, "buffers"))
        return total / len(parts)

    def _forward(self, network: Callable[..., Tensor], *inputs: Any) -> Tensor:
        """Logits in the weights' own precision, whatever the layers compute in."""
        if not self._bfloat16:
            return network(*inputs)
        with torch.autocast(self.theta.device.type, torch.bfloat16, cache_enabled=False):
            return network(*inputs).to(self.theta.dtype)

    def _stack(self, route: tuple[int, int], *, shared_x: bool = False) -> Callable[..., Tensor]:
        """The network of all members, each with samples of its own or all with the same."""
        call = self._call(route)
        if len(self) > 1:
            return vmap(call, (0, 0, None if shared_x else 0))

        # One member's filters are still laid out as a convolution likes them, and on a GPU batch
        # normalization then asks for what vmap of torch 2.11 cannot answer.
        def one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
            first = ({name: each[0] for name, each in of.items()} for of in (parameters, buffers))
            return call(*first, x if shared_x else x[0]).unsqueeze(0)

        return one

    def _call(self, route: tuple[int, int]) -> Callable[..., Tensor]:
        def call(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
            return functional_call(self.network, (parameters, buffers), (x, *route))

        return call

    def _bound_copy(self, member: int) -> Network:
        """A copy of the network whose tensors are views of this member's rows."""
        network = bound_copy(self.network, self.layout, self.theta[member], self.buffers[member])
        gradients = self.layout.split_parameters(self.gradient[member])
        for name, parameter in network.named_parameters():
            parameter.grad = gradients[name]
        return network


def running_statistics(network: nn.Module) -> list[nn.Module]:
    """The layers that learn statistics while they are trained: normalizations over the batch."""
    # Of instance normalization, too, where it is told to keep statistics.
    kind = nn.modules.batchnorm._NormBase
    return [m for m in network.modules() if isinstance(m, kind) and m.track_running_stats]


def _train_mode(network: nn.Module, frozen_statistics: bool) -> None:
    network.train()
    if frozen_statistics:
        for layer in running_statistics(network):
            layer.eval()


def stack_by_default(network: nn.Module, device: torch.device) -> bool:
    """Whether members train faster stacked: always on a GPU, on a CPU without convolutions."""
    return device.type == "cuda" or not any(
        isinstance(module, nn.Conv2d) for module in network.modules()
    )
