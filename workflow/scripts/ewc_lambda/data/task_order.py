"""The tasks of a trial where each trial draws them anew, so that its answer covers their order, and
its share of their training samples, so that it covers these.

What is stored then are pieces: tasks, of which a trial draws the order (``task_order`` drawn), or
single classes, which it deals out to tasks of the sizes that the study lists (drawn_classes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ewc_lambda.data.prepared import SPLITS, Prepared, TaskInfo
from ewc_lambda.data.sources.splits import at_most
from ewc_lambda.data.task_splits import limit_of
from ewc_lambda.seeding import trial_generator


def for_trial(prepared: Prepared, config: Mapping[str, Any], trial: int) -> Prepared:
    """A study's data with the tasks of a trial, in its order, and of their training samples those
    that it draws (``drawn_share``).
    """
    ordered = _in_order(prepared, config, trial)
    share = config.get("drawn_share", 1)
    return ordered if share == 1 else _thinned(ordered, config["seed"], trial, share)


def _thinned(prepared: Prepared, seed: int, trial: int, share: float) -> Prepared:
    """With a share of each task's training samples, at least one, drawn without replacement."""
    generator = trial_generator(seed, trial, "samples")
    splits = []
    for own in prepared.splits:
        x, y = own["train"]
        drawn = generator.permutation(len(y))[: max(1, round(share * len(y)))]
        splits.append({**own, "train": (x[drawn], y[drawn])})
    return replace(prepared, splits=splits)


def _in_order(prepared: Prepared, config: Mapping[str, Any], trial: int) -> Prepared:
    order = config.get("task_order", "given")
    if order == "given":
        return prepared
    drawn = trial_generator(config["seed"], trial, "tasks").permutation(len(prepared.tasks))
    if order == "drawn":
        groups = [[int(piece)] for piece in drawn]
        return arranged(prepared, config, groups)
    ends = np.cumsum([len(entry) for entry in config["tasks"]])
    groups = [group.tolist() for group in np.split(drawn, ends[:-1])]
    return arranged(prepared, config, groups, limited=True)


def arranged(
    prepared: Prepared,
    config: Mapping[str, Any],
    groups: Sequence[Sequence[int]],
    limited: bool = False,
) -> Prepared:
    """A task for each group of pieces. Where ``limited``, of as many samples as the config allows a
    task, the first of each class, which keep their proportions.
    """
    introduced: list[str] = []
    tasks, splits = [], []
    for group in groups:
        own = [name for piece in group for name in prepared.tasks[piece].classes]
        introduced += [name for name in own if name not in introduced]
        growing = config["heads"] == "growing" and bool(own)
        order = introduced if growing else own
        table = np.array([order.index(name) for name in own], dtype=np.int64)
        outputs = len(order) if own else prepared.tasks[group[0]].outputs
        name = ",".join(prepared.tasks[piece].name for piece in group)
        tasks.append(TaskInfo(name, outputs, tuple(own)))
        limits = {split: limit_of(config, split) if limited else None for split in SPLITS}
        splits.append({s: _joined(prepared, group, s, table, limits[s]) for s in SPLITS})
    return replace(prepared, tasks=tuple(tasks), splits=splits)


def _joined(
    prepared: Prepared, group: Sequence[int], split: str, table: np.ndarray, limit: int | None
) -> tuple[np.ndarray, np.ndarray]:
    pairs = [prepared.splits[piece][split] for piece in group]
    if not table.size:
        return pairs[0]
    firsts = np.cumsum([0, *(len(prepared.tasks[piece].classes) for piece in group)])
    labels = np.concatenate([y + first for (_, y), first in zip(pairs, firsts, strict=False)])
    x = np.concatenate([x for x, _ in pairs])
    ranks = np.concatenate([np.arange(len(y)) for _, y in pairs])
    # Named by piece, as ties between classes go by the data set's order, whatever that of the task.
    kinds = np.repeat(group, [len(y) for _, y in pairs])
    taken = at_most(kinds, ranks, limit)
    return x[taken], table[labels[taken]]
