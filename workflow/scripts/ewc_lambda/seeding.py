"""Every random number of a study, from one tree of seeds.

The tree is a ``numpy.random.SeedSequence`` per leaf: the study's seed is the entropy, the path
from the root to the leaf is the spawn key. So a stream depends on its own place in the tree and
on nothing else: not on the number of trials, nor on the order in which jobs run. Nothing in the
project reads a global generator.

    study
    ├── data: split | transform | samples | test, task
    └── trial
        ├── bounds
        ├── tasks
        ├── samples
        ├── weights
        └── replicate
            ├── order, task, epoch
            ├── rehearsal, task, epoch, earlier task
            ├── labels, task
            ├── augmentation, task, epoch (and earlier task, where trained jointly)
            ├── batches, task
            ├── importance, task
            └── trainer

With ``randomness: independent`` each lambda step has replicates of its own: the branch
(measure, round, step) stands between the replicate and its leaves.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

# The first word of a key says which kind of branch follows, so that no two leaves share a key.
_DATA, _TRIAL = 0, 1
_DATA_PURPOSES = {"split": 0, "transform": 1, "samples": 2, "test": 3}
# 2 are the replicates.
_TRIAL_PURPOSES = {"bounds": 0, "weights": 1, "tasks": 3, "samples": 4}
_REPLICATE = 2
_LEAVES = {
    "order": 0,
    "labels": 1,
    "augmentation": 2,
    "importance": 3,
    "rehearsal": 4,
    "batches": 5,
    "trainer": 6,
}


def data_generator(seed: int, purpose: str, task: int) -> np.random.Generator:
    """Generator of what all trials share: ``purpose`` is split, transform, samples
    or test.
    """
    return _generator(seed, (_DATA, _DATA_PURPOSES[purpose], task))


def trial_generator(seed: int, trial: int, purpose: str) -> np.random.Generator:
    """Generator of a trial's ``bounds`` (first bracket), ``weights`` (base model), ``tasks`` or
    ``samples``.
    """
    return _generator(seed, (_TRIAL, trial, _TRIAL_PURPOSES[purpose]))


@dataclass(frozen=True)
class Stream:
    """The random numbers of one replicate of one trial.

    ``branch`` is empty for common random numbers: then the stream is the same at every lambda.
    """

    seed: int
    trial: int
    replicate: int
    branch: tuple[int, ...] = ()

    def generator(self, leaf: str, *place: int) -> np.random.Generator:
        """Generator of one leaf: order (task, epoch), labels (task), augmentation (task, epoch),
        batches (task), importance (task), trainer.
        """
        key = (_TRIAL, self.trial, _REPLICATE, self.replicate, len(self.branch), *self.branch)
        return _generator(self.seed, (*key, _LEAVES[leaf], *place))


def step_branch(measure: str, round_: int, step: int) -> tuple[int, ...]:
    """Branch of one lambda step where steps draw independent streams.

    The measure enters by a checksum of its name, so that a study may add or reorder its list of
    importance measures without a change to the streams of the others.
    """
    return (zlib.crc32(measure.encode()), round_, step)


def _generator(seed: int, key: tuple[int, ...]) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))
