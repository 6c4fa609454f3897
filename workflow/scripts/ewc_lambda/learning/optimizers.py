"""What turns gradients into the next weights: Adam or gradient descent, for all members at once.

As in a loop of torch's own, a head that the tasks of an update do not use is left alone: neither
weight decay nor what an optimizer remembers of earlier tasks moves it. So the weights are updated
in *pieces*, the shared ones and each task's own head, each with a count of its own updates.

An optimizer remembers averages of earlier gradients. By default each task begins without any; with
``optimizer_state`` carried they go from task to task, as a `Memory`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ewc_lambda.learning.adam import Adam
from ewc_lambda.networks.models import Layout, Network

# What an optimizer remembers, by name: averages (members, size), updates so far (members, pieces).
Memory = dict[str, Tensor]

# torch's own, so that a norm of 0 divides nothing by 0.
_CLIP_EPSILON = 1e-6


@dataclass(frozen=True)
class Rule:
    """How a gradient becomes an update, but for the step size; the config's schema describes each
    field.
    """

    optimizer: str = "adam"
    optimizer_state: str = "reset"
    momentum: float = 0.0
    weight_decay: float = 0.0
    gradient_clip: float | None = None


def pieces(network: Network, layout: Layout) -> list[slice]:
    """The shared weights of the flat vector, then each task's own head."""
    found = [slice(0, layout.shared)]
    for head in range(len(network.heads) if network.mode == "per_task" else 0):
        named = layout.parameters.items()
        places = [place for name, place in named if name.startswith(f"heads.{head}.")]
        start = min(offset for offset, _ in places)
        found.append(slice(start, max(offset + shape.numel() for offset, shape in places)))
    return found


class Optimizer:
    """Updates ``theta`` (members, size) in place from ``gradient``, which the caller fills before
    each step.

    ``own`` are the `pieces` that have a gradient, by their numbers, of ``places``. What is
    remembered goes on in ``memory``, if there is one, an empty one being filled; else it ends with
    this object.
    """

    def __init__(
        self,
        rule: Rule,
        learning_rate: float,
        theta: Tensor,
        gradient: Tensor,
        places: Sequence[slice],
        own: Sequence[int],
        memory: Memory | None = None,
    ) -> None:
        self._gradient = gradient
        self._clip = rule.gradient_clip
        if memory is None and rule.optimizer == "adam" and not rule.weight_decay:
            # Without a gradient, a decay or a memory Adam moves nothing, so all is one piece.
            self._parts: list[_Part] = [Adam(theta, gradient, learning_rate)]
            return
        memory = {} if memory is None else memory
        _fill(memory, rule, theta, len(places))
        kind = _AdamPiece if rule.optimizer == "adam" else _DescentPiece
        self._parts = [
            kind(rule, learning_rate, _Piece.of(theta, gradient, memory, n, places[n])) for n in own
        ]

    def step(self) -> None:
        """One update."""
        if self._clip is not None:
            clip(self._gradient, self._clip)
        for part in self._parts:
            part.step()


def clip(gradient: Tensor, longest: float) -> None:
    """Shorten each member's gradient (members, size), in place, to at most ``longest``, its norm
    over all weights (Pascanu et al. 2013, algorithm 1).
    """
    norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    gradient.mul_((longest / (norm + _CLIP_EPSILON)).clamp(max=1.0))


def _fill(memory: Memory, rule: Rule, theta: Tensor, count: int) -> None:
    names = ("mean", "square") if rule.optimizer == "adam" else ("velocity",)
    for name in names:
        memory.setdefault(name, torch.zeros_like(theta))
    if rule.optimizer == "adam":
        memory.setdefault("updates", torch.zeros(len(theta), count, device=theta.device))


@dataclass(frozen=True)
class _Piece:
    """What an optimizer sees of a piece: views of all members' weights and gradients, and of what
    is remembered of them, by name.
    """

    theta: Tensor
    gradient: Tensor
    memory: Memory

    @classmethod
    def of(
        cls, theta: Tensor, gradient: Tensor, memory: Memory, number: int, place: slice
    ) -> _Piece:
        """The piece of this number and place."""
        own = {name: held[:, place] for name, held in memory.items() if name != "updates"}
        if "updates" in memory:
            own["updates"] = memory["updates"][:, number]
        return cls(theta[:, place], gradient[:, place], own)


class _AdamPiece:
    """Adam on a piece. Its kernel takes no views, so it computes on copies."""

    def __init__(self, rule: Rule, learning_rate: float, piece: _Piece) -> None:
        self._views = [piece.theta, piece.memory["mean"], piece.memory["square"]]
        self._gradient_view = piece.gradient
        self._updates = piece.memory["updates"]
        self._copies = [view.contiguous() for view in self._views]
        self._gradient = self._gradient_view.contiguous()
        # All members have made as many updates.
        count = self._updates[0].clone()
        own, mean, square = self._copies
        self._adam = Adam(
            own, self._gradient, learning_rate, rule.weight_decay, (mean, square, count)
        )

    def step(self) -> None:
        """One update."""
        self._gradient.copy_(self._gradient_view)
        self._adam.step()
        self._updates.add_(1)
        for view, copy in zip(self._views, self._copies, strict=True):
            view.copy_(copy)


class _DescentPiece:
    """Gradient descent on a piece, with momentum as torch has it: v = momentum v + g."""

    def __init__(self, rule: Rule, learning_rate: float, piece: _Piece) -> None:
        self._rule, self._learning_rate = rule, learning_rate
        self._theta, self._gradient = piece.theta, piece.gradient
        self._velocity = piece.memory["velocity"]

    def step(self) -> None:
        """One update."""
        if self._rule.weight_decay:
            self._gradient.add_(self._theta, alpha=self._rule.weight_decay)
        self._velocity.mul_(self._rule.momentum).add_(self._gradient)
        self._theta.add_(self._velocity, alpha=-self._learning_rate)


_Part = Adam | _AdamPiece | _DescentPiece
