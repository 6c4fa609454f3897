"""What Elastic Weight Consolidation penalizes: to move a weight that finished tasks need.

Each finished task k left weights theta*_k, and an importance Omega_k for each (`importance`). While
the next task is trained, every weight is held to where it was by a spring as stiff as it matters
(Kirkpatrick et al. 2017, eq. 3):

    penalty(theta) = lambda / 2 * sum_k sum_i Omega_k,i * (theta_i - theta*_k,i)^2
    d penalty / d theta_i = lambda * sum_k Omega_k,i * (theta_i - theta*_k,i)

It is added to the *mean* loss of a batch. Only parameters that tasks share are penalized: a head of
its own is used by no other task. `Penalty` is this sum, `add_term` what a finished task adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Term:
    """What one finished task asks of the weights: ``omega`` and ``anchor``, each (members,
    shared).
    """

    omega: Tensor
    anchor: Tensor


class Penalty:
    """The penalty of a set of members, each with its own lambda (members,)."""

    def __init__(self, lambdas: Tensor, terms: list[Term]) -> None:
        self.lambdas = lambdas
        self.terms = terms
        self.active = bool(terms) and bool((lambdas > 0).any())
        if not self.active:
            return
        if len(terms) == 1:
            omega, self._center = terms[0].omega, terms[0].anchor
        else:
            # The sum of parabolas is a parabola around their weighted center, so the gradient
            # costs the same for any number of finished tasks.
            omega = torch.stack([term.omega for term in terms]).sum(0)
            pull = torch.stack([term.omega * term.anchor for term in terms]).sum(0)
            self._center = torch.where(omega > 0, pull / omega, 0.0)
        self._stiffness = lambdas[:, None] * omega
        # What is infinite in a member of lambda 0 must not become 0 * inf = nan.
        self._held = None if bool((lambdas > 0).all()) else lambdas[:, None] > 0
        if self._held is not None:
            self._stiffness = torch.where(self._held, self._stiffness, 0.0)

    def add_gradient(self, theta: Tensor, gradient: Tensor) -> None:
        """Add lambda * sum_k Omega_k * (theta - theta*_k) to ``gradient``, in place.

        Both are (members, shared) and may be views.
        """
        if not self.active:
            return
        distance = theta - self._center
        if self._held is not None:
            distance = torch.where(self._held, distance, 0.0)
        gradient.addcmul_(self._stiffness, distance)

    def value(self, theta: Tensor) -> Tensor:
        """The penalty of each member (members,), lambda and the one half included."""
        total = torch.zeros_like(self.lambdas, dtype=torch.float64)
        for term in self.terms:
            squares = term.omega * (theta - term.anchor).square()
            total += squares.sum(dim=1, dtype=torch.float64)
        # Without this, an infinite distance would give 0 * inf = nan for a plain run.
        return torch.where(self.lambdas > 0, 0.5 * self.lambdas.double() * total, 0.0)


def add_term(terms: list[Term], new: Term, mode: str, decay: float) -> list[Term]:
    """The terms after one more task is finished.

    ``separate`` keeps one term per task. ``online`` keeps a single one around the newest weights,
    Omega = decay * Omega_old + Omega_new (Schwarz et al. 2018, sec. 4, eq. 9).
    """
    if mode == "separate" or not terms:
        return [*terms, new]
    return [Term(decay * terms[-1].omega + new.omega, new.anchor)]
