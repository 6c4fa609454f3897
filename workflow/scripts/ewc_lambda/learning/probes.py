"""What can be done with a network that is not the project's own: found out by trying.

Layer-wise gradients are wrong, without any error, for a trunk that calls a layer twice or uses its
weights otherwise; ``torch.func.vmap`` refuses what depends on the values that go through. So both
are tried once, on made-up inputs and weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from ewc_lambda.learning.sample_gradients import Trained, sum_sample_gradients
from ewc_lambda.networks.models import Layout, Network, flat_state

_SAMPLES = 2


def goes_through_vmap(network: Network, input_shape: Sequence[int]) -> bool:
    """Whether members with weights of their own give the same outputs in one ``vmap`` as each by
    itself, and can be trained so.
    """
    layout = Layout.of(network)
    theta, buffers, x = _made_up(network, layout, input_shape, members=2)
    route = network.route(0, 0)

    def call(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(network, (parameters, buffers), (x, *route))

    try:
        for training in (True, False):
            network.train(training)
            # Each pass on copies, as normalization layers change their buffers.
            states = layout.split_parameters(theta), layout.split_buffers(buffers.clone())
            states = states[0], {n: t.contiguous() for n, t in states[1].items()}
            together = vmap(call)(*states, x)
            for member in range(2):
                own = layout.split_parameters(theta[member])
                alone = call(own, layout.split_buffers(buffers[member].clone()), x[member])
                if not torch.allclose(together[member], alone, rtol=1e-3, atol=1e-5):
                    return False
    # Of many kinds, by what the network does that vmap cannot follow.
    except Exception:
        return False
    return True


def layers_tell_all(network: Network, input_shape: Sequence[int]) -> bool:
    """Whether per-sample gradients from the layers' inputs and output gradients are those of
    ``torch.func``, which takes the network as it is.
    """
    layout = Layout.of(network)
    theta, buffers, x = _made_up(network, layout, input_shape, members=1)
    route = network.route(0, 0)
    found = []
    for layerwise in (True, False):
        network.layerwise = layerwise
        try:
            of = Trained(network, layout, theta[0], buffers[0], route)
            total = sum_sample_gradients(of, x[0], _each_output, 2)
        # Of a layer that is used in a way its formula does not know.
        except Exception:
            return False
        found.append(total)
    scale = found[1].abs().max().item()
    return torch.allclose(found[0], found[1], rtol=1e-3, atol=1e-5 * scale)


def _each_output(logits: Tensor, start: int) -> Tensor:
    return torch.eye(logits.shape[1]).expand(len(logits), -1, -1)


def _made_up(
    network: Network, layout: Layout, input_shape: Sequence[int], members: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (members, size) around the network's own, so that none of what follows from zeros
    hides; its buffers (members, buffer_size); inputs (members, samples, *input_shape).
    """
    generator = torch.Generator().manual_seed(0)
    theta, buffers = flat_state(network, layout)
    noise = 0.1 * torch.randn(members, len(theta), generator=generator)
    x = torch.rand(members, _SAMPLES, *input_shape, generator=generator)
    return theta + noise, buffers.repeat(members, 1), x
