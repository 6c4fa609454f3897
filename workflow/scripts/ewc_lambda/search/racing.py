"""The race of a round: steps that are worse beyond doubt get no more replicates.

All steps of a round train their first replicates. At each look those that are worse than the best
beyond doubt are dropped; the others train the next replicate. An end of the first grid decides
whether the study is resolved, and stays longer. Replicates share their random streams over the
steps, so every comparison is paired.

Sources: Maron & Moore, NIPS 6 (1994) 59, for the race; Birattari et al., GECCO (2002) 11, for
tests after each replicate. Successive halving (Karnin et al., ICML (2013) 1238; Jamieson &
Talwalkar, AISTATS (2016) 240) drops half of the steps whatever the data say; here only doubt does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.inference.student import Floats, one_sample_t, quantile

Step = TypeVar("Step", bound=Hashable)

FIRST_LOOK = 3
"""Replicates before the first look: with two, Student's t must exceed 12.7."""

DOUBT = 0.025
"""One-sided level at which a step is worse beyond doubt (docs/statistics.md says what it costs)."""

RESOLVED = 0.025
"""Level for the ends of the first grid: half of that of `best_lambda.resolved`, as a race looks
more than once."""


class Doubt(NamedTuple):
    """When a step is dropped: worse at ``level`` than the best; an end of the first grid, than each
    step between the ends that goes on, too.
    """

    level: float
    end: bool = False


def doubts(steps: int, first_round: bool) -> list[Doubt]:
    """When each step of a round is dropped. An end of the first grid stays until it is worse by
    more than `best_lambda.resolved` asks for, and than whichever step may turn out the best, so
    that the race costs no verdict.
    """
    found = [Doubt(DOUBT)] * steps
    if first_round:
        found[0] = found[-1] = Doubt(min(DOUBT, RESOLVED / max(steps - 2, 1)), end=True)
    return found


def survivors(measures: Floats, when: Sequence[Doubt]) -> NDArray[np.bool_]:
    """Which steps go on after a look: those that are not worse, by paired one-sided t tests, than
    the one of lowest mean or, for an end, than some step between the ends that goes on.

    A step between the ends that diverged is dropped. An end is judged by the replicates in which it
    did not, as in `best_lambda.resolved`, and dropped where it did in all.

    measures (n, S), n at least 2, not finite where a replicate diverged; ``when`` each of the S
    steps is dropped; returns (S,).
    """
    finite = np.isfinite(measures)
    there: NDArray[np.bool_] = np.asarray(finite.all(axis=0))
    if not there.any():
        return there
    best = int(np.where(there, measures, np.inf).mean(axis=0).argmin())
    goes_on = np.zeros_like(there)
    for step, (level, end) in enumerate(when):
        if there[step] and not end:
            goes_on[step] = _in_doubt(measures[:, step] - measures[:, best], level)
    rivals = [best, *np.flatnonzero(goes_on)]
    for step, (level, end) in enumerate(when):
        if end and finite[:, step].any():
            rows = measures[finite[:, step]]
            behind = (rows[:, step] - rows[:, rival] for rival in rivals)
            goes_on[step] = any(_in_doubt(each, level) for each in behind)
    return goes_on


def _in_doubt(behind: Floats, level: float) -> bool:
    """Whether a step that is behind another by (n,) may be as good."""
    if len(behind) < 2:
        return True
    errors = one_sample_t(behind[:, None]).item()
    return bool(errors <= quantile(len(behind) - 1, 1 - level))


def race(
    when: Mapping[Step, Doubt],
    replicates: int,
    met: Mapping[Step, Floats],
    train: Callable[[Sequence[Step], slice], Mapping[Step, Floats]],
) -> dict[Step, Floats]:
    """Race the steps of a round against each other.

    After the first three replicates and after each further one, steps that are worse beyond doubt
    are dropped. A step that is left alone trains the rest at once.

    Args:
        when: each step is dropped; all steps of the round, in order.
        replicates: how many a step gets that is not dropped.
        met: measures (n,) of steps that were trained before, as far as they got; they are compared
            with and get no more.
        train: the measures of some steps at some replicates, by step.

    Returns:
        Measures (n,) of all steps, n the number of replicates that each got.

    """
    measures = dict(met)
    running = [step for step in when if step not in met]
    low, high = 0, min(FIRST_LOOK, replicates)
    while running:
        for step, values in train(running, slice(low, high)).items():
            measures[step] = np.concatenate([measures.get(step, np.empty(0)), values])
        there = [step for step in when if len(measures.get(step, ())) >= high]
        if high == replicates or not there:
            break
        kept = survivors(
            np.stack([measures[step][:high] for step in there], axis=1),
            [when[step] for step in there],
        )
        left = {step for step, goes_on in zip(there, kept, strict=True) if goes_on}
        running = [step for step in running if step in left]
        low, high = high, replicates if len(left) == 1 else high + 1
    return measures
