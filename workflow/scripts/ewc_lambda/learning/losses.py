"""Losses of a task and the output distributions that belong to them.

Logits are (..., N, K). Targets are class indices (..., N) for the two cross-entropies and values
(..., N, K) for the squared error.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LOSSES = ("softmax_cross_entropy", "binary_cross_entropy", "mean_squared_error")


def sample_losses(logits: Tensor, targets: Tensor, loss: str) -> Tensor:
    """The loss of each sample (..., N).

    Binary cross-entropy (from logits, on one-hot labels) and squared error are means over the K
    outputs, as in the original's framework; softmax cross-entropy is the negative
    log-likelihood.
    """
    if loss == "softmax_cross_entropy":
        picked = logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        return torch.logsumexp(logits, dim=-1) - picked
    if loss == "binary_cross_entropy":
        # log(1 + e^z) - y z: the one-hot y leaves the logit of the label.
        picked = logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        return functional.softplus(logits).mean(dim=-1) - picked / logits.shape[-1]
    return (logits - targets).square().mean(dim=-1)


def loss_slopes(logits: Tensor, targets: Tensor, loss: str) -> Tensor:
    """Derivative (..., N, K) of each sample's loss by its logits, in memory of its own.

    For softmax p - y and for sigmoids (p - y) / K, with y one-hot; for the squared error
    2 (z - y) / K (Bishop 2006, sec. 4.3 and 5.3).
    """
    outputs = logits.shape[-1]
    if loss == "mean_squared_error":
        return (logits - targets) * (2 / outputs)
    p = logits.softmax(dim=-1) if loss == "softmax_cross_entropy" else logits.sigmoid()
    p.scatter_add_(-1, targets.unsqueeze(-1), p.new_tensor(-1.0).expand(*targets.shape, 1))
    return p if loss == "softmax_cross_entropy" else p.div_(outputs)


def correct(logits: Tensor, targets: Tensor, loss: str) -> Tensor:
    """Whether each sample (..., N) is classified rightly, as 0.0 or 1.0; nan for a regression."""
    if loss == "mean_squared_error":
        return torch.full_like(logits[..., 0], torch.nan)
    return (logits.argmax(dim=-1) == targets).to(logits.dtype)


def fisher_directions(logits: Tensor, loss: str) -> Tensor:
    """Directions in output space whose squared gradients sum to the exact Fisher diagonal.

    With J the Jacobian of the logits of a sample, diag F = sum_v (v^T J)^2 over these v, which is
    the expectation of the squared gradient of the log-likelihood over the model's own labels:
    for independent sigmoids sum_k p_k (1 - p_k) (dz_k)^2; for softmax sum_c p_c (dlog p_c)^2; for
    a Gaussian of unit variance sum_k (dz_k)^2 (Martens 2020, sec. 5 and 9).

    Returns:
        (N, V, K) for logits (N, K).

    """
    samples, outputs = logits.shape
    identity = torch.eye(outputs, dtype=logits.dtype, device=logits.device)
    if loss == "softmax_cross_entropy":
        p = logits.softmax(dim=-1)
        return p.sqrt().unsqueeze(-1) * (identity - p.unsqueeze(1))
    if loss == "binary_cross_entropy":
        p = logits.sigmoid()
        return (p * (1 - p)).sqrt().unsqueeze(-1) * identity
    return identity.expand(samples, outputs, outputs)


def score_direction(logits: Tensor, targets: Tensor, loss: str) -> Tensor:
    """Derivative (N, 1, K) of each sample's log-likelihood by its logits (N, K).

    ``targets`` may also be the binary or one-hot vectors (N, K) that `draw_targets` returns.
    """
    if loss == "mean_squared_error":
        return (targets - logits).unsqueeze(1)
    if targets.ndim == 1:
        targets = functional.one_hot(targets, logits.shape[-1]).to(logits.dtype)
    p = logits.softmax(dim=-1) if loss == "softmax_cross_entropy" else logits.sigmoid()
    return (targets - p).unsqueeze(1)


def draw_targets(logits: Tensor, uniforms: Tensor, normals: Tensor, loss: str) -> Tensor:
    """Targets (N, K) drawn from the model's own distribution.

    Args:
        logits: (N, K).
        uniforms: in [0, 1), (N, K); of which softmax uses the first column.
        normals: standard normal, (N, K); used by the Gaussian.
        loss: its name.

    """
    if loss == "softmax_cross_entropy":
        # A GPU has no deterministic cumulative sum.
        steps = logits.softmax(dim=-1).cpu().cumsum(dim=-1).to(logits.device)
        label = (uniforms[:, :1] >= steps).sum(dim=-1).clamp(max=logits.shape[-1] - 1)
        return functional.one_hot(label, logits.shape[-1]).to(logits.dtype)
    if loss == "binary_cross_entropy":
        return (uniforms < logits.sigmoid()).to(logits.dtype)
    return logits + normals


def likeliest_targets(logits: Tensor, loss: str) -> Tensor:
    """Targets (N, K) of highest probability under the model's own distribution."""
    if loss == "softmax_cross_entropy":
        return functional.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)
    return (logits > 0).to(logits.dtype) if loss == "binary_cross_entropy" else logits
