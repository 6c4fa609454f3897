"""Adam on one tensor (Kingma and Ba 2015, algorithm 1), through torch's own fused kernel."""

from __future__ import annotations

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Adam:
    """Updates ``theta`` in place from ``gradient``, a tensor of the same shape that the caller
    fills before each step.

    The same to the bit as ``torch.optim.Adam(fused=True)``, which a test holds it to. That class
    imports torch's compiler when it is made, a second of every job, and nothing here compiles.

    ``moments`` are the averages of the gradient and of its square, and the count of updates so
    far, which go on in place; without them it starts afresh. ``weight_decay`` times theta is added
    to the gradient.
    """

    def __init__(
        self,
        theta: Tensor,
        gradient: Tensor,
        learning_rate: float,
        weight_decay: float = 0.0,
        moments: tuple[Tensor, Tensor, Tensor] | None = None,
    ) -> None:
        self._theta, self._gradient = [theta], [gradient]
        mean, square, count = moments or (
            torch.zeros_like(theta),
            torch.zeros_like(theta),
            torch.zeros((), device=theta.device),
        )
        self._mean, self._square, self._count = [mean], [square], [count]
        self._learning_rate = learning_rate
        self._weight_decay = weight_decay

    def step(self) -> None:
        """One update."""
        self._count[0] += 1
        torch._fused_adam_(
            self._theta,
            self._gradient,
            self._mean,
            self._square,
            [],
            self._count,
            lr=self._learning_rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=self._weight_decay,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )
