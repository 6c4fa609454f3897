"""Which samples are for training, validation and test: drawn once, shared by all tasks.

One permutation ranks all training samples of a data set within their class, and the first ones
of each class are held out. So a sample has the same part in every task that uses it: with
permuted or rotated inputs, or where two tasks share a class, no task validates on what another
one was trained on.
"""

from __future__ import annotations

import numpy as np


def class_ranks(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Rank (N,) of each sample within its class, 0 to n_class - 1, in random order."""
    order = generator.permutation(len(labels))
    ranks = np.empty(len(labels), dtype=np.int64)
    shuffled = labels[order]
    for label in np.unique(labels):
        members = order[shuffled == label]
        ranks[members] = np.arange(len(members))
    return ranks


def held_out(labels: np.ndarray, ranks: np.ndarray, fraction: float) -> np.ndarray:
    """Mask (N,) of the validation samples: of each class the first ``fraction``, rounded."""
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = labels == label
        count = int(np.floor(fraction * np.count_nonzero(members) + 0.5))
        mask[members] = ranks[members] < count
    return mask


def at_most(labels: np.ndarray, ranks: np.ndarray, limit: int | None) -> np.ndarray:
    """Indices, ascending, of at most ``limit`` samples in which classes keep their proportions.

    Samples are taken in order of their rank divided by the size of their class, so a smaller
    limit selects a part of what a larger one does. None takes all.
    """
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        by_rank = members[np.argsort(ranks[members], kind="stable")]
        position[by_rank] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(np.lexsort((labels, position))[:limit])
