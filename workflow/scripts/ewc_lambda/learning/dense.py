"""Networks of dense layers: all members in a few batched products, with gradients by hand.

A layer l of a member has the weights W_l, the biases b_l and the activation a_l. With the inputs
h_0 of a batch, one sample a row, and dx for the derivative of the loss by x:

    h_l = a_l(h_(l-1) W_l^T + b_l)
    dz_l = dh_l * a_l'    dW_l = dz_l^T h_(l-1)    db_l = sum of rows of dz_l    dh_(l-1) = dz_l W_l

(Rumelhart, Hinton and Williams 1986). Each product is one call for all members, and gradients are
written where they belong in the flat vector. Neither ``vmap`` nor autograd stands in between, which
take most of the time of small layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ewc_lambda.learning.losses import loss_slopes
from ewc_lambda.networks.models import Layout, Network

Route = tuple[int, int]


@dataclass(frozen=True)
class Activation:
    """A function, and the way back through it: from the slopes by its value, and the value."""

    value: Callable[[Tensor], Tensor]
    back: Callable[[Tensor, Tensor], Tensor]


# The kernels of torch's own ways back.
_KERNELS = torch.ops.aten
ACTIVATIONS = {
    nn.ReLU: Activation(torch.relu, lambda s, h: _KERNELS.threshold_backward(s, h, 0)),
    nn.Tanh: Activation(torch.tanh, _KERNELS.tanh_backward),
    nn.Sigmoid: Activation(torch.sigmoid, _KERNELS.sigmoid_backward),
}


@dataclass(frozen=True)
class Layer:
    """A layer of all members: views of ``weight`` (members, out, in), ``bias`` (members, out; or
    none) and their gradients; ``keeps`` says that these are added to, not replaced.
    """

    weight: Tensor
    bias: Tensor | None
    weight_gradient: Tensor
    bias_gradient: Tensor | None
    activation: Activation | None
    keeps: bool = False

    def forward(self, h: Tensor) -> Tensor:
        """Outputs (members, B, out) of inputs (members, B, in)."""
        if self.bias is None:
            z = torch.bmm(h, self.weight.mT)
        else:
            z = torch.baddbmm(self.bias.unsqueeze(1), h, self.weight.mT)
        return self.activation.value(z) if self.activation else z

    def put_gradients(self, slopes: Tensor, h: Tensor, more: bool) -> None:
        """Write the gradients, from the slopes (members, B, out) by what precedes the activation;
        with ``more`` add them to those of a batch before.
        """
        if more or self.keeps:
            self.weight_gradient.baddbmm_(slopes.mT, h)
            if self.bias_gradient is not None:
                self.bias_gradient.add_(slopes.sum(1))
            return
        torch.bmm(slopes.mT, h, out=self.weight_gradient)
        if self.bias_gradient is not None:
            torch.sum(slopes, 1, out=self.bias_gradient)


class Dense:
    """A set of members whose trunk is a chain of dense layers.

    Args:
        chain: as `dense_chain` gives it.
        layout: where the tensors lie in the flat vectors.
        theta: the weights (members, size), of which views are read.
        gradient: of the same shape, to which `backward` writes.
        loss: its name.

    """

    def __init__(
        self, chain: Sequence[Link], layout: Layout, theta: Tensor, gradient: Tensor, loss: str
    ) -> None:
        self._values = layout.split_parameters(theta)
        self._gradients = layout.split_parameters(gradient)
        self._trunk = [self._layer(link.name, link.activation) for link in chain]
        self._heads = [g for name, g in self._gradients.items() if name.startswith("heads.")]
        self._loss = loss
        self._chains: dict[Route, list[Layer]] = {}

    def backward(self, batches: Sequence[tuple[Tensor, Tensor, Route]]) -> None:
        """Write the gradient of each member's loss, the mean over batches of the mean over each: of
        inputs (members, B, ...), targets (members, B, ...) and a route.
        """
        for gradient in self._heads:
            gradient.zero_()
        for number, (x, y, route) in enumerate(batches):
            layers = self._layers(route)
            h = [x.flatten(2)]
            for layer in layers:
                h.append(layer.forward(h[-1]))
            slopes = loss_slopes(h.pop(), y, self._loss).div_(y.shape[1] * len(batches))
            for place in reversed(range(len(layers))):
                layers[place].put_gradients(slopes, h[place], more=number > 0)
                if place > 0:
                    slopes = torch.bmm(slopes, layers[place].weight)
                    if activation := layers[place - 1].activation:
                        slopes = activation.back(slopes, h[place])

    def logits(self, x: Tensor, route: Route) -> Tensor:
        """(members, N, K) of inputs (N, ...) that all members see."""
        layers = self._layers(route)
        h = x.flatten(1)
        h = h.expand(len(layers[0].weight), *h.shape)
        for layer in layers:
            h = layer.forward(h)
        return h

    def _layers(self, route: Route) -> list[Layer]:
        if route not in self._chains:
            head = self._layer(f"heads.{route[0]}", None, slice(route[1]), keeps=True)
            self._chains[route] = [*self._trunk, head]
        return self._chains[route]

    def _layer(
        self,
        name: str,
        activation: Activation | None,
        rows: slice = slice(None),
        *,
        keeps: bool = False,
    ) -> Layer:
        views = [
            None if f"{name}.{kind}" not in of else of[f"{name}.{kind}"][:, rows]
            for of in (self._values, self._gradients)
            for kind in ("weight", "bias")
        ]
        weight, bias, weight_gradient, bias_gradient = views
        assert weight is not None
        assert weight_gradient is not None
        return Layer(weight, bias, weight_gradient, bias_gradient, activation, keeps)


@dataclass(frozen=True)
class Link:
    """A dense layer of a trunk, by its name in the network, and the activation that follows."""

    name: str
    activation: Activation | None


def dense_chain(network: Network) -> list[Link] | None:
    """The dense layers of a network's trunk, if it is a chain of them, each used once, with the
    activations known here, all of it trained; else None. The chain of a linear network is empty.
    """
    links: list[Link] = []
    seen: set[nn.Module] = set()
    for name, module in _in_order("trunk", network.trunk):
        if module._forward_hooks or module._forward_pre_hooks:
            return None
        if type(module) is nn.Linear and module not in seen:
            seen.add(module)
            links.append(Link(name, None))
        elif type(module) in ACTIVATIONS and links and links[-1].activation is None:
            links[-1] = Link(links[-1].name, ACTIVATIONS[type(module)])
        elif not (_flattens(module) and not links) and type(module) is not nn.Identity:
            return None
    named = dict(network.named_parameters())
    own = len(named) == sum(len(list(m.parameters(recurse=False))) for m in network.modules())
    trained = all(parameter.requires_grad for parameter in named.values())
    return links if own and trained and not list(network.buffers()) else None


def _in_order(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    if type(module) is nn.Sequential and not (module._forward_hooks or module._forward_pre_hooks):
        # With one that stands in it twice, which `named_children` names once.
        for key, child in zip(module._modules, module, strict=True):
            yield from _in_order(f"{name}.{key}", child)
    else:
        yield name, module


def _flattens(module: nn.Module) -> bool:
    return type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1)
