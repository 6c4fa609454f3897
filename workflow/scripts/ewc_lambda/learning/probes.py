"""What can be done with a network that is not the project's own: found out by trying.

Layer-wise gradients are wrong, without any error, for a trunk that calls a layer twice or uses its
weights otherwise. ``torch.func.vmap`` refuses what depends on the values that go through, and mixes
up the axes of some layers (`nn.PReLU`). So each fast way is tried on made-up inputs and weights,
and compared with plain autograd, one sample and one direction after the other.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from ewc_lambda.learning.sample_gradients import CHUNK, Trained, sum_sample_gradients
from ewc_lambda.networks.models import Layout, Network, flat_state

# Members and samples: different numbers, and equal ones, where mixed-up axes raise no error.
_BATCHES = ((2, 5), (3, 3))
# Samples and directions: both sides of a chunk's edge, and equal numbers as above.
_SUMS = ((CHUNK + 1, 2), (4, 4), (3, 5))


def goes_through_vmap(network: Network, input_shape: Sequence[int]) -> bool:
    """Whether members with weights of their own give the same outputs and gradients in one ``vmap``
    as each by itself, and can be trained so.
    """
    # Of many kinds, by what the network does that vmap cannot follow.
    try:
        return all(
            _members_agree(network.train(training), input_shape, *batch)
            for training in (True, False)
            for batch in _BATCHES
        )
    except Exception:
        return False


def _members_agree(
    network: Network, input_shape: Sequence[int], members: int, samples: int
) -> bool:
    layout = Layout.of(network)
    theta, buffers, x = _made_up(network, layout, input_shape, members, samples)
    route = network.route(0, 0)

    def call(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(network, (parameters, buffers), (x, *route))

    # Each pass on copies, as normalization layers change their buffers.
    states = layout.split_buffers(buffers.clone())
    stacked = theta.clone().requires_grad_()
    own = {name: state.contiguous() for name, state in states.items()}
    together = vmap(call)(layout.split_parameters(stacked), own, x)
    for member in range(members):
        leaf = theta[member].clone().requires_grad_()
        parts = layout.split_parameters(leaf), layout.split_buffers(buffers[member].clone())
        alone = call(*parts, x[member])
        if not _close(together[member], alone):
            return False
        # Of a sum of squares, so that every output counts in another way.
        (found,) = torch.autograd.grad(together[member].square().sum(), stacked, retain_graph=True)
        (expected,) = torch.autograd.grad(alone.square().sum(), leaf)
        if not _close(found[member], expected):
            return False
    return True


def gradients_as_in_a_loop(network: Network, input_shape: Sequence[int]) -> bool:
    """Whether per-sample gradients, the way that the network's flags allow, are those of plain
    autograd, one sample and one direction after the other.
    """
    slow = copy.deepcopy(network)
    slow.layerwise = slow.vmapped_gradients = False
    for samples, directions in _SUMS:
        expected = _sum_of_made_up(slow, input_shape, samples, directions)
        # Of a layer that is used in a way its formula, or vmap, does not know.
        try:
            found = _sum_of_made_up(network, input_shape, samples, directions)
        except Exception:
            return False
        if not _close(found, expected):
            return False
    return True


def _sum_of_made_up(
    network: Network, input_shape: Sequence[int], samples: int, directions: int
) -> Tensor:
    layout = Layout.of(network)
    theta, buffers, (x,) = _made_up(network, layout, input_shape, 1, samples)
    route = network.route(0, 0)
    generator = torch.Generator().manual_seed(1)
    vectors = torch.randn(samples, directions, route[1], generator=generator)
    of = Trained(network, layout, theta[0], buffers[0], route)
    return sum_sample_gradients(of, x, lambda z, first: vectors[first : first + len(z)], 2)


def _close(found: Tensor, expected: Tensor) -> bool:
    scale = expected.abs().max().item()
    return torch.allclose(found, expected, rtol=1e-3, atol=1e-5 * scale)


def _made_up(
    network: Network, layout: Layout, input_shape: Sequence[int], members: int, samples: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (members, size) around the network's own, so that none of what follows from zeros
    hides; its buffers (members, buffer_size); inputs (members, samples, *input_shape).
    """
    generator = torch.Generator().manual_seed(0)
    theta, buffers = flat_state(network, layout)
    noise = 0.1 * torch.randn(members, len(theta), generator=generator)
    x = torch.rand(members, samples, *input_shape, generator=generator)
    return theta + noise, buffers.repeat(members, 1), x
