"""How much each shared parameter matters to a finished task: Omega, the stiffness of the penalty.

A weight may move as far as the finished task does not notice. How soon it does is the curvature of
its log-likelihood, which near a minimum is the Fisher information (Kirkpatrick et al. 2017,
sec. 2). Its diagonal, a number for each weight:

    Omega_i = mean over samples x of  E over y from p(y | x) of  (d log p(y | x) / d theta_i)^2

`fisher_exact` takes the expectation over y exactly (Martens 2020, eq. 6), `fisher_sampled` draws
one y a sample, `fisher_empirical` takes the true label instead (Kunstner et al. 2019, eq. 3). The
other measures have their formula and source at their function.

Two kinds. A *posterior* measure looks at the trained network and the task's training samples
afterwards; a *tracker* watches the weights while the task is trained, and changes its tensors in
place, since updates are replayed on a GPU (`cuda_graphs`). All give Omega as (members, shared),
never negative. `IMPORTANCE` names them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ewc_lambda.learning.batch_gradients import mean_squared_batch_gradient
from ewc_lambda.learning.losses import (
    draw_targets,
    fisher_directions,
    likeliest_targets,
    score_direction,
)
from ewc_lambda.learning.sample_gradients import (
    Directions,
    Inputs,
    Trained,
    sum_sample_gradients,
)
from ewc_lambda.networks.models import Layout, Network
from ewc_lambda.seeding import Stream


@dataclass(frozen=True)
class FinishedTask:
    """What a posterior measure may look at.

    ``theta`` (members, size) and ``buffers`` (members, buffer_size) are the trained weights; ``x``
    (N, *input_shape) and ``y`` the samples to look at; ``route`` the task's head and number of
    outputs; ``streams`` one per member; ``batch`` samples are averaged over by `fisher_batched`.
    """

    network: Network
    layout: Layout
    theta: Tensor
    buffers: Tensor
    x: Inputs
    y: Tensor
    task: int
    route: tuple[int, int]
    loss: str
    streams: Sequence[Stream]
    batch: int = 128

    @property
    def shared(self) -> Tensor:
        """The shared part of the weights (members, shared)."""
        return self.theta[:, : self.layout.shared]


def fisher_exact(done: FinishedTask) -> Tensor:
    """Diagonal of the Fisher information, the expectation over labels taken exactly
    (Kirkpatrick et al. 2017, sec. 2; Martens 2020, eq. 6).
    """
    return _mean_over_samples(
        done, lambda _: lambda z, start: fisher_directions(z, done.loss), power=2
    )


def fisher_sampled(done: FinishedTask) -> Tensor:
    """Diagonal of the Fisher information with one label per sample, drawn from the model."""

    def of_member(member: int) -> Directions:
        generator = done.streams[member].generator("labels", done.task)
        shape = (len(done.x), done.route[1])
        uniforms = torch.from_numpy(generator.random(shape)).to(done.theta)
        normals = torch.from_numpy(generator.standard_normal(shape)).to(done.theta)

        def directions(logits: Tensor, start: int) -> Tensor:
            rows = slice(start, start + len(logits))
            drawn = draw_targets(logits, uniforms[rows], normals[rows], done.loss)
            return score_direction(logits, drawn, done.loss)

        return directions

    return _mean_over_samples(done, of_member, power=2)


def fisher_empirical(done: FinishedTask) -> Tensor:
    """Mean squared gradient of the log-likelihood of the true labels: often called the Fisher
    information, which it is not (Kunstner et al. 2019, eq. 3).
    """

    def directions(logits: Tensor, start: int) -> Tensor:
        return score_direction(logits, done.y[start : start + len(logits)], done.loss)

    return _mean_over_samples(done, lambda _: directions, power=2)


def fisher_predicted(done: FinishedTask) -> Tensor:
    """Mean squared gradient of the log-likelihood of what the model holds for most probable: with
    softmax the label of highest probability, with independent sigmoids each output's likelier value
    (Hsu et al. 2018, arXiv 1810.12488). Zero for a regression.
    """

    def directions(logits: Tensor, start: int) -> Tensor:
        return score_direction(logits, likeliest_targets(logits, done.loss), done.loss)

    return _mean_over_samples(done, lambda _: directions, power=2)


def fisher_reversed(done: FinishedTask) -> Tensor:
    """Mean squared gradient of the log-likelihood of the true labels under the negated logits, for
    classes: where a confident network has no gradient left, this one is large (Liu and Chang, CVPR
    2026, arXiv 2603.18596: logits reversal).
    """

    def directions(logits: Tensor, start: int) -> Tensor:
        # Of log p(y | -z) by z; its sign is lost in the square.
        return score_direction(-logits, done.y[start : start + len(logits)], done.loss)

    return _mean_over_samples(done, lambda _: directions, power=2)


def fisher_batched(done: FinishedTask) -> Tensor:
    """Mean over batches of the squared gradient of a batch's mean log-likelihood of the true
    labels: what several frameworks call the Fisher information, smaller than it by about the size
    of a batch (van de Ven 2025, arXiv 2502.11756). Batches are drawn.
    """
    rows = []
    for theta, buffers, stream in zip(done.theta, done.buffers, done.streams, strict=True):
        order = torch.from_numpy(stream.generator("batches", done.task).permutation(len(done.x)))
        batches = order.to(done.y.device).split(done.batch)

        def directions(logits: Tensor, number: int, own: tuple[Tensor, ...] = batches) -> Tensor:
            return score_direction(logits, done.y[own[number]], done.loss)

        of = Trained(done.network, done.layout, theta, buffers, done.route)
        rows.append(mean_squared_batch_gradient(of, done.x, directions, batches))
    return torch.stack(rows)


def memory_aware_synapses(done: FinishedTask) -> Tensor:
    """Mean absolute gradient of the squared length of the output (Aljundi et al. 2018, eqs. 2
    and 5); the output is the logits.
    """
    return _mean_over_samples(done, lambda _: lambda z, start: (2 * z).unsqueeze(1), power=1)


def none(done: FinishedTask) -> Tensor:
    """No importance: plain fine-tuning whatever lambda is."""
    return torch.zeros_like(done.shared)


def weight_decay(done: FinishedTask) -> Tensor:
    """All ones: an L2 penalty around the finished task's weights."""
    return torch.ones_like(done.shared)


def weight_magnitude(done: FinishedTask) -> Tensor:
    """|theta|."""
    return done.shared.abs().clone()


def random(done: FinishedTask) -> Tensor:
    """Uniform on [0, 1): a control that knows nothing of the task."""
    size = done.layout.shared
    rows = [s.generator("importance", done.task).random(size) for s in done.streams]
    return torch.stack([torch.from_numpy(row) for row in rows]).to(done.theta)


def _mean_over_samples(
    done: FinishedTask, of_member: Callable[[int], Directions], power: int
) -> Tensor:
    rows = []
    for member, (theta, buffers) in enumerate(zip(done.theta, done.buffers, strict=True)):
        of = Trained(done.network, done.layout, theta, buffers, done.route)
        rows.append(sum_sample_gradients(of, done.x, of_member(member), power))
    return torch.stack(rows) / len(done.x)


POSTERIOR: dict[str, Callable[[FinishedTask], Tensor]] = {
    "none": none,
    "weight_decay": weight_decay,
    "weight_magnitude": weight_magnitude,
    "random": random,
    "fisher": fisher_exact,
    "fisher_exact": fisher_exact,
    "fisher_sampled": fisher_sampled,
    "fisher_empirical": fisher_empirical,
    "fisher_predicted": fisher_predicted,
    "fisher_batched": fisher_batched,
    "fisher_reversed": fisher_reversed,
    "memory_aware_synapses": memory_aware_synapses,
}

# Zenke et al. 2017, eq. 5.
SYNAPTIC_DAMPING = 1e-3


class SignFlipping:
    """1 / (1 + flips): how often the weight changed its sign. An exact zero is no sign."""

    def __init__(self, theta: Tensor) -> None:
        self._sign = theta.sign()
        self._flips = torch.zeros_like(theta)

    def update(self, before: Tensor, after: Tensor, task_gradient: Tensor) -> None:
        """Take note of one optimizer step; all tensors are (members, shared)."""
        sign = after.sign()
        self._flips += sign * self._sign < 0
        self._sign.copy_(torch.where(sign == 0, self._sign, sign))

    def omega(self, theta: Tensor) -> Tensor:
        """Importance of the task that was watched."""
        return 1 / (1 + self._flips)


class MomentumBased:
    """1 / (1 + reversals): how often the weight turned round. A step of zero has no direction."""

    def __init__(self, theta: Tensor) -> None:
        self._direction = torch.zeros_like(theta)
        self._reversals = torch.zeros_like(theta)

    def update(self, before: Tensor, after: Tensor, task_gradient: Tensor) -> None:
        """Take note of one optimizer step; all tensors are (members, shared)."""
        direction = (after - before).sign()
        self._reversals += direction * self._direction < 0
        self._direction.copy_(torch.where(direction == 0, self._direction, direction))

    def omega(self, theta: Tensor) -> Tensor:
        """Importance of the task that was watched."""
        return 1 / (1 + self._reversals)


class WeightChange:
    """1 / (1 + distance): the length of the weight's path."""

    def __init__(self, theta: Tensor) -> None:
        self._distance = torch.zeros_like(theta)

    def update(self, before: Tensor, after: Tensor, task_gradient: Tensor) -> None:
        """Take note of one optimizer step; all tensors are (members, shared)."""
        self._distance += (after - before).abs()

    def omega(self, theta: Tensor) -> Tensor:
        """Importance of the task that was watched."""
        return 1 / (1 + self._distance)


class SynapticIntelligence:
    """Path integral of the task's gradient over the squared displacement (Zenke et al. 2017,
    eqs. 3 to 5). A weight that on balance raised the loss gets 0, not a negative importance.
    ``damping`` keeps the ratio finite where a weight did not move.
    """

    def __init__(self, theta: Tensor, damping: float = SYNAPTIC_DAMPING) -> None:
        self._start = theta.clone()
        self._drop = torch.zeros_like(theta)
        self._damping = damping

    def update(self, before: Tensor, after: Tensor, task_gradient: Tensor) -> None:
        """Take note of one optimizer step; the gradient is the task's, without the penalty."""
        self._drop -= task_gradient * (after - before)

    def omega(self, theta: Tensor) -> Tensor:
        """Importance of the task that was watched."""
        moved = (theta - self._start).square()
        return self._drop.clamp(min=0) / (moved + self._damping)


Tracker = SignFlipping | MomentumBased | WeightChange | SynapticIntelligence

TRACKERS: dict[str, type[Tracker]] = {
    "sign_flipping": SignFlipping,
    "momentum_based": MomentumBased,
    "weight_change": WeightChange,
    "synaptic_intelligence": SynapticIntelligence,
}


def tracker(name: str, theta: Tensor, synaptic_damping: float) -> Tracker:
    """A tracker that begins at the weights ``theta`` (members, shared)."""
    kind = TRACKERS[name]
    return kind(theta, synaptic_damping) if kind is SynapticIntelligence else kind(theta)


IMPORTANCE: tuple[str, ...] = (*TRACKERS, *POSTERIOR)


def normalized(omega: Tensor, how: str) -> Tensor:
    """Omega (members, shared) divided, member by member, by its ``mean`` or ``max``; as it is for
    ``none``. An importance that is zero everywhere stays so.
    """
    if how == "none":
        return omega
    size = omega.mean(dim=1, keepdim=True) if how == "mean" else omega.amax(dim=1, keepdim=True)
    return torch.where(size > 0, omega / size, omega)
