"""Training the members of a step on one task of the sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ewc_lambda.learning.augmentation import Augmentation, changed
from ewc_lambda.learning.cuda_graphs import graphed
from ewc_lambda.learning.importance import (
    POSTERIOR,
    TRACKERS,
    FinishedTask,
    Tracker,
    normalized,
    tracker,
)
from ewc_lambda.learning.members import Members, Part, Samples
from ewc_lambda.learning.optimizers import Memory, Optimizer, Rule, pieces
from ewc_lambda.learning.penalty import Penalty
from ewc_lambda.networks.models import Layout, Network
from ewc_lambda.seeding import Stream


@dataclass(frozen=True)
class Settings:
    """What of the config training reads; the config's schema describes each. With ``updates`` a
    task is one epoch of so many.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    loss: str
    evaluations_per_epoch: int
    importance_samples: int | None
    normalize: str
    terms: str
    decay: float
    stacked: bool
    augmentation: Augmentation = field(default_factory=Augmentation)
    bfloat16: bool = False
    running_statistics: str = "updated"
    updates: int | None = None
    rule: Rule = field(default_factory=Rule)
    importance_batch: int = 128
    synaptic_damping: float = 1e-3


@dataclass(frozen=True)
class Problem:
    """A scenario ready for training: ``train`` and ``selection`` hold each task's samples, on the
    device where the network is.
    """

    network: Network
    layout: Layout
    train: Sequence[Samples]
    selection: Sequence[Samples]
    settings: Settings

    @property
    def tasks(self) -> int:
        """Number of tasks in the sequence."""
        return len(self.selection)

    @property
    def device(self) -> torch.device:
        """Where all of it computes."""
        return self.selection[0].x.device


@dataclass
class History:
    """What was seen at each evaluation, on the selection split: lists over evaluations of task
    losses and accuracies (members, tasks) and penalties (members,), on the CPU, and the epochs
    since the start, over all tasks.
    """

    loss: list[Tensor] = field(default_factory=list)
    accuracy: list[Tensor] = field(default_factory=list)
    penalty: list[Tensor] = field(default_factory=list)
    epoch: list[float] = field(default_factory=list)

    def extend(self, later: History) -> None:
        """Append what another stage saw."""
        self.loss += later.loss
        self.accuracy += later.accuracy
        self.penalty += later.penalty
        self.epoch += later.epoch


Progress = Callable[[int, int, int, History], None]


def evaluate(
    problem: Problem, members: Members, stage: int, penalty: Penalty, epoch: float
) -> History:
    """One evaluation of every task, introduced or not, while ``stage`` is the newest task."""
    pairs = [
        members.evaluate(samples, problem.network.route(task, stage))
        for task, samples in enumerate(problem.selection)
    ]
    loss, accuracy = (torch.stack(values, dim=1).cpu() for values in zip(*pairs, strict=True))
    return History([loss], [accuracy], [penalty.value(members.shared).cpu()], [epoch])


def train_stage(
    problem: Problem,
    members: Members,
    stage: int,
    streams: Sequence[Stream],
    penalty: Penalty,
    importance: Sequence[str],
    *,
    joint: bool = False,
    memory: Memory | None = None,
    progress: Progress | None = None,
) -> tuple[History, dict[str, Tensor]]:
    """Train all members, in place, on task ``stage`` for the configured epochs.

    Every update is the gradient of the task loss plus the penalty's. With ``running_statistics``
    first_task, batch normalization learns its statistics with the first task, and all later ones
    are trained with those.

    Args:
        problem: what is trained on.
        members: state at the end of the stage before.
        stage: index of the task.
        streams: one per member; equal streams see equal batches.
        penalty: of the finished tasks.
        importance: names of the measures to return for the task just trained.
        joint: train on all tasks so far instead: each update averages over a batch of each.
        memory: what the optimizer goes on from, and changes in place; None lets it start afresh.
        progress: called after each evaluation with stage, evaluations done and in all, history.

    Returns:
        What was seen, and Omega (members, shared) by name, normalized as configured.

    """
    settings = problem.settings
    tasks = [stage, *(range(stage) if joint else ())]
    optimizer = _optimizer(problem, members, tasks, memory)
    shared_gradient = members.gradient[:, : problem.layout.shared]
    trackers = {
        name: tracker(name, members.shared.clone(), settings.synaptic_damping)
        for name in importance
        if name in TRACKERS
    }
    history = History()
    evaluations = settings.epochs * settings.evaluations_per_epoch
    frozen = stage > 0 and settings.running_statistics == "first_task"

    def update(*drawn: Tensor) -> None:
        batches = zip(tasks, drawn[::2], drawn[1::2], strict=True)
        parts = [_part(problem, task, stage, *batch) for task, *batch in batches]
        members.backward(parts, frozen_statistics=frozen)
        if trackers:
            _tracked_update(optimizer, members, penalty, trackers, shared_gradient)
        else:
            penalty.add_gradient(members.shared, shared_gradient)
            optimizer.step()

    if members.stacked:
        update = graphed(update, problem.device)
    for epoch in range(settings.epochs):
        batches = _epoch(problem, tasks, epoch, streams)
        due = _evaluation_points(len(batches), settings.evaluations_per_epoch)
        for number, drawn in enumerate(batches, start=1):
            update(*drawn)
            for _ in range(due.count(number)):
                # Evaluations fall on whole batches, so their spacing is uneven.
                at = stage * settings.epochs + epoch + number / len(batches)
                history.extend(evaluate(problem, members, stage, penalty, at))
                if progress:
                    progress(stage, len(history.loss), evaluations, history)
    return history, _importance(problem, members, stage, streams, importance, trackers)


def _optimizer(
    problem: Problem, members: Members, tasks: Sequence[int], memory: Memory | None
) -> Optimizer:
    places = pieces(problem.network, problem.layout)
    heads = {1 + problem.network.route(task, max(tasks))[0] for task in tasks}
    own = [0, *sorted(heads)] if len(places) > 1 else [0]
    rule, rate = problem.settings.rule, problem.settings.learning_rate
    return Optimizer(rule, rate, members.theta, members.gradient, places, own, memory)


def _tracked_update(
    optimizer: Optimizer,
    members: Members,
    penalty: Penalty,
    trackers: Mapping[str, Tracker],
    shared_gradient: Tensor,
) -> None:
    before, task_gradient = members.shared.clone(), shared_gradient.clone()
    penalty.add_gradient(members.shared, shared_gradient)
    optimizer.step()
    for watching in trackers.values():
        watching.update(before, members.shared, task_gradient)


def _importance(
    problem: Problem,
    members: Members,
    stage: int,
    streams: Sequence[Stream],
    names: Sequence[str],
    trackers: Mapping[str, Tracker],
) -> dict[str, Tensor]:
    if not names:
        return {}
    settings = problem.settings
    samples = problem.train[stage]
    samples = samples.part(_spread(samples, settings.importance_samples))
    done = FinishedTask(
        problem.network,
        problem.layout,
        members.theta,
        members.buffers,
        samples,
        samples.y,
        stage,
        problem.network.route(stage, stage),
        settings.loss,
        streams,
        settings.importance_batch,
    )
    omegas = {}
    for name in names:
        omega = trackers[name].omega(members.shared) if name in trackers else POSTERIOR[name](done)
        omegas[name] = normalized(omega, settings.normalize)
    return omegas


def _spread(samples: Samples, count: int | None) -> Tensor | slice:
    """Rows of so many samples (None: all), evenly spread: files are often sorted by class."""
    if count is None or count >= len(samples):
        return slice(None)  # no copy
    return torch.arange(count, device=samples.x.device) * len(samples) // count


def _epoch(
    problem: Problem, tasks: Sequence[int], epoch: int, streams: Sequence[Stream]
) -> list[list[Tensor]]:
    """The batches of an epoch, as `_batches` has them. Where ``updates`` says how many there are,
    the samples are gone through as often as that takes, each time in another order.
    """
    updates = problem.settings.updates
    if updates is None:
        return _batches(problem, tasks, epoch, streams)
    found: list[list[Tensor]] = []
    passes = 0
    while len(found) < updates:
        found += _batches(problem, tasks, passes, streams)
        passes += 1
    return found[:updates]


def _batches(
    problem: Problem, tasks: Sequence[int], epoch: int, streams: Sequence[Stream]
) -> list[list[Tensor]]:
    """The batches of an epoch of the newest task, the first of ``tasks``; the last may be smaller.

    Each holds, for one task after the other, which of its samples (members, B), and how their
    pictures are changed (members, B, 3), which is empty where they are not.
    """
    size, device = problem.settings.batch_size, problem.device
    stage = tasks[0]
    rows = _orders(streams, "order", (stage, epoch), len(problem.train[stage])).to(device)
    drawn = _changes(problem, streams, (stage, epoch), rows.shape[1])
    batches = [list(pair) for pair in zip(rows.split(size, 1), drawn.split(size, 1), strict=True)]
    for task in tasks[1:]:
        samples = len(problem.train[task])
        order = _orders(streams, "rehearsal", (stage, epoch, task), samples).to(device)
        drawn = _changes(problem, streams, (stage, epoch, task), len(batches) * size)
        for number, (batch, change) in enumerate(zip(batches, drawn.split(size, 1), strict=True)):
            # An earlier task with fewer samples is gone through more than once.
            place = (torch.arange(size, device=device) + number * size) % samples
            batch += [order[:, place], change]
    return batches


def _orders(streams: Sequence[Stream], leaf: str, place: tuple[int, ...], samples: int) -> Tensor:
    drawn = {s: s.generator(leaf, *place).permutation(samples) for s in set(streams)}
    return torch.stack([torch.from_numpy(drawn[stream]) for stream in streams])


def _changes(
    problem: Problem, streams: Sequence[Stream], place: tuple[int, ...], samples: int
) -> Tensor:
    augmentation = problem.settings.augmentation
    if not augmentation.active:
        return torch.empty(len(streams), samples, 0, device=problem.device)
    drawn = {
        stream: augmentation.draw(stream.generator("augmentation", *place), samples)
        for stream in set(streams)
    }
    return torch.stack([drawn[stream] for stream in streams]).to(problem.device)


def _part(problem: Problem, task: int, stage: int, rows: Tensor, drawn: Tensor) -> Part:
    x, y = problem.train[task].take(rows)
    if drawn.numel():
        x = changed(x, drawn)
    return Part(x, y, problem.network.route(task, stage))


def _evaluation_points(batches: int, evaluations: int) -> list[int]:
    """After how many batches of an epoch to evaluate; the last is the end of the epoch."""
    return [round(batches * (i + 1) / evaluations) for i in range(evaluations)]
