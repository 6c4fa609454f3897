"""What a study may say across trials, and about importance measures and randomness modes.

The trial is the unit of replication here: its base model and its first grid are its own. The words
on missing statements in `best_lambda` hold here too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from ewc_lambda.inference.best_lambda import (
    Interval,
    best_measures,
    mean_interval,
    scaled,
    too_few,
    unscaled,
)
from ewc_lambda.inference.replicates import best_column, comparable_means, usable
from ewc_lambda.inference.resolving import Resolved, resolved
from ewc_lambda.inference.student import Floats, one_sample_t


@dataclass(frozen=True)
class PairDifference:
    """Mean of `first` minus mean of `second`; `distinct` if the interval excludes 0."""

    first: str
    second: str
    mean: float
    low: float
    high: float
    distinct: bool


@dataclass(frozen=True)
class Unranked:
    """An importance measure without a rank: its lowest mean so far, and why (`at_ends`)."""

    name: str
    mean: float
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Importance measures from the lowest mean to the highest.

    The rank of names[i] lies between rank_low[i] and rank_high[i]; two measures are tied when
    their pair is not `distinct`. Without an interval, ranks reach from 1 to the number of names.
    ``unranked`` are those that may be lower outside of what was searched, and have no rank.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    rank_low: tuple[int, ...]
    rank_high: tuple[int, ...]
    differences: tuple[PairDifference, ...]
    n: int
    level: float
    reason: str = ""
    unranked: tuple[Unranked, ...] = ()

    @property
    def tied_with_best(self) -> tuple[str, ...]:
        """Names that cannot be told from the one with the lowest mean, itself included."""
        if not self.names:
            return ()
        best = self.names[0]
        apart = {d.second for d in self.differences if d.first == best and d.distinct}
        return tuple(name for name in self.names if name not in apart)


def at_ends(ends: Sequence[str]) -> str:
    """Why trials have no minimum between them: half of them or more are lowest at an end of the
    lambdas searched. ends (T,): low, high or empty; a few are noise, and leave the reason empty.
    """
    n = len(ends)
    count = {end: sum(found == end for found in ends) for end in ("low", "high")}
    if not 0 < n <= 2 * sum(count.values()):
        return ""
    return " and ".join(
        f"the measure still falls at the {name} end of the searched range: the curve is lowest "
        f"there in {count[end]} of {n} trial{'s' if n > 1 else ''}"
        for end, name in (("low", "lower"), ("high", "upper"))
        if count[end]
    )


def study_best_lambda(
    estimates: Sequence[float],
    spacing: str = "log",
    level: float = 0.95,
    no_best: str = "",
    bounded: Sequence[tuple[bool, bool]] = (),
) -> Interval:
    """Mean best lambda over trials with Student's t interval; the trial is the unit.

    estimates (T,): `BestLambda.estimate` of each trial. On a log scale the geometric mean. On a
    linear one the interval ends at 0, where lambda does: what it covers is the same.
    no_best: why trials have no minimum between them (`at_ends`, `reach.missed`): an estimate at an
    end, say, is the end of a range that somebody chose and no minimum. There is no statement then.
    bounded: of each trial that has an interval, whether its low and its high end are bounded. Where
    half of them are open at an end, so is the interval over trials: their estimates lie within
    what was searched, and the best lambda need not.
    """
    n = len(estimates)
    if no_best:
        return Interval(np.nan, np.nan, np.nan, n, level, no_best)
    found = mean_interval(scaled(np.asarray(estimates, dtype=float), spacing), level, "trial")
    mean, low, high = (unscaled(v, spacing) for v in (found.estimate, found.low, found.high))
    known = np.array(bounded, dtype=bool).reshape(-1, 2)
    below, above = (bool(v) for v in 2 * (~known).sum(axis=0) >= max(len(known), 1))
    return Interval(mean, max(low, 0.0), high, found.n, level, found.reason, below, above)


def other_trials_steps(
    lambdas: Sequence[ArrayLike], measures: Sequence[ArrayLike], spacing: str = "log"
) -> tuple[int, ...]:
    """For each trial, the step of its first grid that lies next to what the other trials find best.

    lambdas: T arrays (S_t,), measures: T arrays (R_t, S_t), of round 0. The others find best the
    mean, on the scale of the search, of their lambdas of lowest mean. -1 where nothing is usable.
    """
    grids = [scaled(np.asarray(at, dtype=float), spacing) for at in lambdas]
    tables = [np.asarray(values, dtype=float) for values in measures]
    use = [usable(values) for values in tables]
    found = [best_column(values) for values in tables]
    best = np.array(
        [np.nan if i is None else at[i] for at, i in zip(grids, found, strict=True)], dtype=float
    )
    steps = []
    for trial, (at, ok) in enumerate(zip(grids, use, strict=True)):
        others = np.delete(best, trial)
        others = others[np.isfinite(others)]
        if len(others) == 0 or not ok.any():
            steps.append(-1)
        else:
            away = np.where(ok, np.abs(at - others.mean()), np.inf)
            steps.append(int(away.argmin()))
    return tuple(steps)


def study_resolved(
    lambdas: Sequence[ArrayLike],
    measures: Sequence[ArrayLike],
    spacing: str = "log",
    level: float = 0.95,
) -> Resolved:
    """Whether both ends of the first grids are worse beyond doubt than a lambda of other trials.

    lambdas: T arrays (S_t,), measures: T arrays (R_t, S_t), of round 0. A trial compares its ends
    with its step next to what the other trials find best (`other_trials_steps`), so nothing is
    chosen by the numbers that judge it, and one-sided paired t tests over trials at 1 - level need
    no correction. A diverged end counts as the highest mean of its trial, which is less than it
    is. With one trial this is `resolved`. Trials may each be resolved about minima so far
    apart that no lambda suits them all: then the study is not. `best` is the geometric mean (mean
    on a linear scale) of the compared lambdas.
    """
    if len(lambdas) == 1:
        return resolved(lambdas[0], measures[0], level)
    nan = float("nan")
    steps = other_trials_steps(lambdas, measures, spacing)
    ends, at = [], []
    for grid, table, step in zip(lambdas, measures, steps, strict=True):
        if step < 0:
            continue
        means = comparable_means(np.asarray(table, dtype=float))
        means = np.where(np.isfinite(means), means, means[np.isfinite(means)].max())
        order = np.asarray(grid, dtype=float).argsort()
        ends.append(means[order[[0, -1]]] - means[step])
        at.append(scaled(np.asarray(grid, dtype=float), spacing)[step])
    if len(ends) < len(lambdas):
        reason = f"{len(lambdas) - len(ends)} of {len(lambdas)} trials without a usable lambda"
        return Resolved(False, nan, nan, nan, nan, nan, nan, level, reason)
    low_errors, high_errors = (float(v) for v in one_sample_t(np.array(ends)))
    low, high = (float(v) for v in np.mean(ends, axis=0))
    critical = float(stdtrit(len(ends) - 1, level))
    best = unscaled(float(np.mean(at)), spacing)
    said = min(low_errors, high_errors) > critical
    return Resolved(said, best, low, high, low_errors, high_errors, critical, level)


def study_gain(
    lambdas: Sequence[ArrayLike],
    first_measures: Sequence[ArrayLike],
    measures: Sequence[ArrayLike],
    references: Sequence[ArrayLike],
    spacing: str = "log",
    level: float = 0.95,
) -> Interval:
    """Gain over a reference line with Student's t interval over trials (paired within trials).

    lambdas, first_measures: round 0 as in `study_resolved`; measures: T arrays (R_t, S_t) of all
    rounds; references: T arrays (R_t,). Trials of several replicates take the lambda as
    `best_lambda.gain` does; a trial of one replicate takes that of `other_trials_steps`.
    """
    steps = other_trials_steps(lambdas, first_measures, spacing)
    gains = []
    for table, first, line, step in zip(measures, first_measures, references, steps, strict=True):
        values = np.asarray(table, dtype=float)
        if len(values) > 1:
            best = float(best_measures(values).mean())
        else:
            best = float(np.asarray(first, dtype=float)[0, step]) if step >= 0 else np.nan
        gains.append(float(np.mean(np.asarray(line, dtype=float))) - best)
    return mean_interval(gains, level, "trial")


def rank_importances(
    best: Mapping[str, ArrayLike],
    level: float = 0.95,
    what: str = "trial",
    open_ends: Mapping[str, str] | None = None,
) -> Comparison:
    """Paired differences between importance measures, with a ranking that knows ties.

    best: the measure at the best lambda per importance measure, arrays (n,) over the same trials
    (or the same replicates of one trial), in one order. Lower is better. All m (m - 1) / 2
    intervals hold at once with probability `level` at least: Student's t at Bonferroni's level,
    each with its own variance, since importance measures differ in how much they vary.
    open_ends: why the minimum of an importance measure may lie outside of what was searched
    (`at_ends`), by its name; such a one is not ranked.

    Source: Dunn, J. Am. Stat. Assoc. 56 (1961) 52.
    """
    table = {name: np.asarray(values, dtype=float) for name, values in best.items()}
    sizes = {values.shape for values in table.values()}
    if not table or len(sizes) != 1 or len(next(iter(sizes))) != 1:
        raise ValueError(f"importance measures need arrays (n,) of one length: got {sizes}")
    n = next(iter(sizes))[0]
    known = {name: float(values.mean()) if n else np.nan for name, values in table.items()}
    # Diverged ones last; equal means in the order given.
    every = dict(sorted(known.items(), key=lambda k: k[1] if np.isfinite(k[1]) else np.inf))
    why = {name: text for name, text in (open_ends or {}).items() if text}
    means = {name: mean for name, mean in every.items() if name not in why}
    pairs = _differences(table, means, level)
    behind = Counter(pair.second for pair in pairs if pair.distinct)
    before = Counter(pair.first for pair in pairs if pair.distinct)
    return Comparison(
        tuple(means),
        tuple(means.values()),
        tuple(1 + behind[name] for name in means),
        tuple(len(means) - before[name] for name in means),
        pairs,
        n,
        level,
        _why_not_ranked(means, n, what, len(table)),
        tuple(Unranked(name, every[name], why[name]) for name in every if name in why),
    )


def _differences(
    table: Mapping[str, Floats], means: Mapping[str, float], level: float
) -> tuple[PairDifference, ...]:
    """Every pair of arrays (n,), in the order of ``means``, with Bonferroni's interval."""
    n, m = len(next(iter(table.values()))), len(means)
    factor = float(stdtrit(n - 1, 1 - (1 - level) / (m * (m - 1)))) if n > 1 < m else np.nan
    pairs = []
    for first, second in combinations(means, 2):
        difference = table[first] - table[second]
        mean = means[first] - means[second]
        half = factor * float(difference.std(ddof=1)) / np.sqrt(n) if n > 1 else np.nan
        distinct = bool(abs(mean) > half)
        pairs.append(PairDifference(first, second, mean, mean - half, mean + half, distinct))
    return tuple(pairs)


def _why_not_ranked(means: Mapping[str, float], n: int, what: str, of: int) -> str:
    """Why ranks say nothing; empty where they do."""
    if reason := too_few(n, what):
        return reason
    if of == 1:
        return "one importance measure only"
    if len(means) < 2:
        return f"{len(means) or 'none'} of {of} has its minimum in the searched range"
    unknown = [name for name, mean in means.items() if not np.isfinite(mean)]
    return f"no finite measure in every {what}: {', '.join(unknown)}" if unknown else ""
