"""Squares of gradients that were averaged over batches, of one trained network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ewc_lambda.learning.sample_gradients import Directions, Inputs, Trained
from ewc_lambda.networks.models import bound_copy


def mean_squared_batch_gradient(
    of: Trained, x: Inputs, directions: Directions, batches: Sequence[Tensor]
) -> Tensor:
    """Mean over batches of (mean over a batch of v^T J)^2, J the Jacobian of the outputs by the
    shared parameters; a smaller last batch counts as much as any other.

    Args:
        of: the trained network.
        x: inputs (N, *input_shape).
        directions: the vector v of each sample, as (n, 1, K), from the logits of a batch and its
            number.
        batches: the rows of x of each batch.

    Returns:
        (shared,) in the type of ``theta``.

    """
    network = bound_copy(of.network, of.layout, of.theta.detach(), of.buffers).eval()
    named = dict(network.named_parameters())
    shared = list(of.layout.split_shared(of.theta[: of.layout.shared]))
    total = torch.zeros(of.layout.shared, dtype=torch.float64, device=of.theta.device)
    for number, rows in enumerate(batches):
        logits = network(x[rows], *of.route)
        vectors = directions(logits.detach(), number)[:, 0] / len(rows)
        # As in `sample_gradients`, without grad_outputs.
        found = torch.autograd.grad(
            (logits * vectors).sum(),
            [named[name] for name in shared],
            allow_unused=True,
            materialize_grads=True,
        )
        total += of.layout.join(dict(zip(shared, found, strict=True)), "shared").double().square()
    return (total / len(batches)).to(of.theta.dtype)
