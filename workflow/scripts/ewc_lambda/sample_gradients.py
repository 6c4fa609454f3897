"""Sums over samples of squared (or absolute) per-sample gradients.

What a sample's gradient needs is the layer's input and the gradient at its output, so dense,
convolution and batch-normalization layers take a few matrix products for a whole chunk of
samples. Other layers go through ``torch.func``, which is general and on a CPU slower (for
convolutions slower than a loop over samples).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from ewc_lambda.models import Layout, Network

# Bounds the unfolded inputs and per-sample gradients of a chunk; measured, larger is not faster.
CHUNK = 25

Directions = Callable[[Tensor, int], Tensor]


def sum_sample_gradients(
    network: Network,
    layout: Layout,
    theta: Tensor,
    buffers: Tensor,
    x: Tensor,
    route: tuple[int, int],
    directions: Directions,
    power: int,
) -> Tensor:
    """Sum over samples and directions v of |v^T J|^power, J the Jacobian of the outputs by the
    shared parameters, in evaluation mode.

    Args:
        network: gives the structure; its own weights are not read.
        layout: of the network.
        theta: flat parameters (size,).
        buffers: flat buffers (buffer_size,).
        x: inputs (N, *input_shape).
        route: head and number of outputs K, as `Network.route` returns.
        directions: maps the logits (n, K) of a chunk and the index of its first sample to the
            vectors (n, V, K).
        power: 1 or 2.

    Returns:
        (shared,) in float64 accumulated over chunks, returned in the type of ``theta``.

    """
    was_training = network.training
    network.eval()
    state = {**layout.split_parameters(theta), **layout.split_buffers(buffers)}
    by_layers = _layers_suffice(network)
    total = torch.zeros(layout.shared, dtype=torch.float64, device=theta.device)
    for start in range(0, len(x), CHUNK):
        chunk = x[start : start + CHUNK]

        def vectors(logits: Tensor, start: int = start) -> Tensor:
            return directions(logits.detach(), start)

        if by_layers:
            total += _by_layers(network, layout, state, chunk, route, vectors, power)
        elif network.vmapped:
            total += _by_samples(network, layout, theta, state, chunk, route, vectors, power)
        else:
            total += _one_by_one(network, layout, theta, state, chunk, route, vectors, power)
    network.train(was_training)
    return total.to(theta.dtype)


def _layers_suffice(network: Network) -> bool:
    if not network.layerwise:
        return False
    for _, part in network.shared_modules():
        for module in part.modules():
            if next(module.parameters(recurse=False), None) is None:
                continue
            plain_conv = (
                isinstance(module, nn.Conv2d)
                and module.groups == 1
                and module.padding_mode == "zeros"
                and not isinstance(module.padding, str)
            )
            if not (plain_conv or isinstance(module, nn.Linear | nn.BatchNorm2d | nn.GroupNorm)):
                return False
    return True


def _by_layers(
    network: Network,
    layout: Layout,
    state: dict[str, Tensor],
    x: Tensor,
    route: tuple[int, int],
    vectors: Callable[[Tensor], Tensor],
    power: int,
) -> Tensor:
    seen: list[tuple[str, nn.Module, Tensor, Tensor]] = []

    def record(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if not output.requires_grad:
                output.requires_grad_()
            seen.append((name, module, inputs[0].detach(), output))

        return hook

    shared = set(layout.split_shared(torch.empty(layout.shared, device="meta")))
    hooks = [
        module.register_forward_hook(record(name))
        for name, module in network.named_modules()
        if f"{name}.weight" in shared
    ]
    try:
        frozen = {name: tensor.detach() for name, tensor in state.items()}
        logits = functional_call(network, frozen, (x, *route))
    finally:
        for hook in hooks:
            hook.remove()
    v = vectors(logits)
    # (V, n, ...) gradients at every layer's output.
    at_outputs = torch.autograd.grad(
        logits, [output for *_, output in seen], v.transpose(0, 1), is_grads_batched=True
    )
    sums: dict[str, Tensor] = {}
    for (name, module, given, _), g in zip(seen, at_outputs, strict=True):
        weight, bias = _layer_sums(module, state, name, given, g.detach(), power)
        sums[f"{name}.weight"] = sums.get(f"{name}.weight", 0) + weight
        if f"{name}.bias" in shared:
            sums[f"{name}.bias"] = sums.get(f"{name}.bias", 0) + bias
    return layout.join(sums, "shared").double()


def _layer_sums(
    module: nn.Module, state: dict[str, Tensor], name: str, given: Tensor, g: Tensor, power: int
) -> tuple[Tensor, Tensor]:
    """Sums of |gradient|^power over samples and directions for a layer's weight and bias, from
    its input (n, ...) and the gradients at its output (V, n, ...).
    """

    def magnitude(values: Tensor) -> Tensor:
        return values.square() if power == 2 else values.abs()

    if isinstance(module, nn.Linear):
        # |g_o a_i|^p = |g_o|^p |a_i|^p: a sample's gradient is an outer product.
        sized = magnitude(g).sum(dim=0)
        return sized.t() @ magnitude(given), sized.sum(dim=0)
    if isinstance(module, nn.Conv2d):
        assert not isinstance(module.padding, str)
        patches = functional.unfold(
            given, module.kernel_size, module.dilation, module.padding, module.stride
        )
        directions, samples, outputs = g.shape[:3]
        flat = g.movedim(0, 1).reshape(samples, directions * outputs, -1)
        each = torch.bmm(flat, patches.transpose(1, 2))
        weight = magnitude(each).sum(dim=0).view(directions, outputs, -1).sum(dim=0)
        bias = magnitude(flat.sum(dim=2)).sum(dim=0).view(directions, outputs).sum(dim=0)
        return weight.view(module.weight.shape), bias
    if isinstance(module, nn.GroupNorm):
        normalized = functional.group_norm(given, module.num_groups, eps=module.eps)
    else:
        assert isinstance(module, nn.BatchNorm2d)
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        normalized = (given - mean.view(-1, 1, 1)) / (variance + module.eps).sqrt().view(-1, 1, 1)
    weight = magnitude((g * normalized).sum(dim=(3, 4))).sum(dim=(0, 1))
    return weight, magnitude(g.sum(dim=(3, 4))).sum(dim=(0, 1))


def _by_samples(
    network: Network,
    layout: Layout,
    theta: Tensor,
    state: dict[str, Tensor],
    x: Tensor,
    route: tuple[int, int],
    vectors: Callable[[Tensor], Tensor],
    power: int,
) -> Tensor:
    frozen = {name: tensor.detach() for name, tensor in state.items()}
    shared = theta[: layout.shared].detach()
    with torch.no_grad():
        v = vectors(functional_call(network, frozen, (x, *route)))

    def projected(weights: Tensor, sample: Tensor, direction: Tensor) -> Tensor:
        parts = {**frozen, **layout.split_shared(weights)}
        return (functional_call(network, parts, (sample.unsqueeze(0), *route))[0] * direction).sum()

    each = vmap(vmap(grad(projected), (None, None, 0)), (None, 0, 0))(shared, x, v)
    sized = each.square() if power == 2 else each.abs()
    return sized.sum(dim=(0, 1)).double()


def _one_by_one(
    network: Network,
    layout: Layout,
    theta: Tensor,
    state: dict[str, Tensor],
    x: Tensor,
    route: tuple[int, int],
    vectors: Callable[[Tensor], Tensor],
    power: int,
) -> Tensor:
    frozen = {name: tensor.detach() for name, tensor in state.items()}
    with torch.no_grad():
        v = vectors(functional_call(network, frozen, (x, *route)))
    shared = theta[: layout.shared].detach().clone().requires_grad_()
    parts = {**frozen, **layout.split_shared(shared)}
    total = torch.zeros(layout.shared, dtype=torch.float64, device=theta.device)
    for sample, directions in zip(x.split(1), v, strict=True):
        logits = functional_call(network, parts, (sample, *route))[0]
        for direction in directions:
            (row,) = torch.autograd.grad((logits * direction).sum(), shared, retain_graph=True)
            total += row.abs().pow(power)
    return total
