"""What a study answers: its file's measures put to the statistics, trial by trial and as a whole.

Nothing is computed here; `best_lambda` and `across_trials` say what can be said, and carry
the reason where nothing can. With `randomness: independent` the replicates of two lambdas share no
streams: the paired statistics hold all the same, and their intervals are wider.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.errors import StudyError
from ewc_lambda.inference import unpaired
from ewc_lambda.inference.across_trials import (
    Comparison,
    at_ends,
    other_trials_steps,
    rank_importances,
    study_best_lambda,
    study_resolved,
)
from ewc_lambda.inference.best_lambda import (
    BestLambda,
    Interval,
    LambdaSet,
    best_lambda,
    best_measures,
    distance,
    gain,
    indistinguishable,
)
from ewc_lambda.inference.reach import REASONS, missed, within
from ewc_lambda.inference.replicates import comparable_means, trained, usable
from ewc_lambda.inference.resolving import Resolved
from ewc_lambda.reporting.recommendation import Recommendation, recommend
from ewc_lambda.reporting.verdicts import verdicts
from ewc_lambda.results.searches import (
    LINES,
    Search,
    gain_level,
    gain_over,
    reach,
    searches,
    spacing,
)
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.later_trials import is_later
from ewc_lambda.search.looks import LEVEL

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrialAnswer:
    """What the data of one trial say about one importance measure; intervals over replicates.
    ``missed`` tells that all lambdas are too small or too large (`reach.missed`).
    """

    search: Search
    best: BestLambda
    alike: LambdaSet
    resolved: Resolved
    gain: Interval
    distance: Interval
    missed: str = ""

    @property
    def trial(self) -> int:
        """Number of the trial."""
        return self.search.trial

    @property
    def edge(self) -> str:
        """Which end of all lambdas searched, low or high, has the lowest mean; empty for none."""
        means = comparable_means(self.search.measures)
        means = means[np.isfinite(means)]
        if not means.size or np.ptp(means) <= 1e-12 * np.abs(means).max():
            return ""
        ends = self.search.lambdas.min(), self.search.lambdas.max()
        low, high = np.isclose(self.best.grid_best, ends, rtol=1e-9, atol=0)
        return "low" if low else "high" if high else ""

    @property
    def at_end(self) -> str:
        """Which end the search found to be best, by the fitted curve or by the means."""
        return self.best.end or self.edge


@dataclass(frozen=True)
class ImportanceAnswer:
    """What all trials say about one importance measure; intervals over trials. ``best`` is the mean
    of the trials' own best lambdas, ``recommendation`` what a new network should take.
    """

    importance: str
    trials: tuple[TrialAnswer, ...]
    best: Interval
    resolved: Resolved
    gain: Interval
    distance: Interval
    recommendation: Recommendation

    @property
    def missed(self) -> str:
        """What half of the trials or more say of a range that misses the best lambda."""
        return _mostly([trial.missed for trial in self.trials])


@dataclass(frozen=True)
class Answers:
    """All that a study says. ``missing`` are the (trial, importance measure) that its config asks
    for and its file lacks.
    """

    importances: tuple[ImportanceAnswer, ...]
    comparison: Comparison
    compared_over: str
    missing: tuple[tuple[int, str], ...]

    def __iter__(self) -> Iterator[ImportanceAnswer]:
        return iter(self.importances)


def open_study(path: str | Path) -> Study:
    """Read the study file that figures and tables are made from.

    Raises:
        StudyError: it is missing, damaged or of another version; says how to get it back. The file
            is left where it is: it may be the only copy.

    """
    try:
        study = Study.read(path)
    except StudyError as error:
        raise StudyError(f"{error}. {_way_out(Path(path))}") from error
    if study.steps.empty:
        raise StudyError(f"{path}: holds no lambda step. Make the study: snakemake --cores 8")
    return study


def _way_out(path: Path) -> str:
    if not path.exists():
        return "Put a copy of it there, or make the study: snakemake --cores 8"
    if not any(path.parent.glob("trial_*")):
        # All that is left of the study may be in it.
        return (
            "Put a whole copy of it there. The results that it was gathered from are not beside "
            "it, so keep this one until you have another"
        )
    return (
        f"Put a whole copy of it there, or gather it anew from the results beside it: give it "
        f"another name (mv {path} {path}.broken) and run the same command again"
    )


def answer_trial(study: Study, search: Search, verdict: Resolved) -> TrialAnswer:
    """Put one search, resolved or not, to the statistics of a trial."""
    if not study.paired:
        return _answer_own_runs(study, search, verdict)
    best = best_lambda(search.lambdas, search.measures, spacing(study), search.first_ends, LEVEL)
    side = _missed(study, search)
    if side:
        nan = float("nan")
        best = replace(best, estimate=nan, low=nan, high=nan, end="", reason=REASONS[side])
    return TrialAnswer(
        search,
        best,
        indistinguishable(search.lambdas, search.measures, LEVEL),
        verdict,
        _against(study, search, "finetuning"),
        _against(study, search, "joint"),
        side,
    )


def _missed(study: Study, search: Search) -> str:
    zero = study.reference(search.trial, "finetuning")
    # The few lambdas of a later trial lie around the best, and may well be alike.
    later = is_later(study.config, search.trial)
    return "" if zero is None or later else missed(search.measures, zero)


def _answer_own_runs(study: Study, search: Search, verdict: Resolved) -> TrialAnswer:
    return TrialAnswer(
        search,
        unpaired.best_lambda(search.lambdas, search.measures, spacing(study), LEVEL),
        unpaired.indistinguishable(search.lambdas, search.measures, LEVEL),
        verdict,
        _against(study, search, "finetuning"),
        _against(study, search, "joint"),
    )


def _against(study: Study, search: Search, name: str) -> Interval:
    line = study.reference(search.trial, name)
    if line is None:
        return _nothing(len(search.measures), f"no reference line {LINES[name]}")
    compare = gain if name == "finetuning" else distance
    return compare(search.measures, line, LEVEL)


def answer_importance(study: Study, importance: str) -> ImportanceAnswer:
    """Put all searches of an importance measure to the statistics of a study."""
    found = searches(study, importance)
    trials = tuple(map(partial(answer_trial, study), found, verdicts(study, found)))
    wide = [search.wide_lambdas for search in found]
    values = [over_trials(study, search.wide_measures) for search in found]
    to_joint = gain_over(study, found, "joint", LEVEL)
    ends = [trial.best.end for trial in trials]
    side = _mostly([trial.missed for trial in trials])
    no_best = REASONS[side] if side else at_ends(ends)
    best = study_best_lambda(
        [trial.best.estimate for trial in trials],
        spacing(study),
        LEVEL,
        no_best,
        [(t.best.bounded_low, t.best.bounded_high) for t in trials if not t.best.reason],
    )
    return ImportanceAnswer(
        importance,
        trials,
        within(best, *reach(found)),
        trials[0].resolved
        if len(trials) == 1
        else study_resolved(wide, values, spacing(study), LEVEL),
        gain_over(study, found, "finetuning", gain_level(study)),
        replace(to_joint, estimate=-to_joint.estimate, low=-to_joint.high, high=-to_joint.low),
        recommend(study, _over_trials(study, found), [trial.best for trial in trials], no_best),
    )


def _mostly(sides: Sequence[str]) -> str:
    return next((s for s in REASONS if 2 * sides.count(s) >= max(len(sides), 1)), "")


def over_trials(study: Study, measures: Floats) -> Floats:
    """Measures (R, S) of a trial as the statistics over trials take them: its means (1, S) where
    runs at different lambdas have nothing in common.
    """
    return measures if study.paired else unpaired.run_means(measures)[None]


def _over_trials(study: Study, found: Sequence[Search]) -> list[Search]:
    return [replace(each, measures=over_trials(study, each.measures)) for each in found]


def _nothing(n: int, reason: str) -> Interval:
    return Interval(np.nan, np.nan, np.nan, n, LEVEL, reason)


def compare_importances(
    study: Study, answers: Sequence[ImportanceAnswer]
) -> tuple[Comparison, str]:
    """Importance measures at their best lambdas, paired over the trials that hold them all, or
    over the replicates of the one trial there is; and which of the two: "trial" or "replicate".
    One whose searches ended at an end of the range may be better beyond it, and has no rank.
    """
    shared = set(study.trials)
    for each in answers:
        shared &= {trial.trial for trial in each.trials}
    kept = {
        each.importance: [t.search for t in each.trials if t.trial in shared] for each in answers
    }
    open_ends = {each.importance: at_ends([t.at_end for t in each.trials]) for each in answers}
    if len(shared) == 1:
        best = {name: _replicates_at_best(each[0]) for name, each in kept.items()}
        if study.sweep:
            # Groups of a sweep may have different numbers of runs.
            fewest = min(int(trained(each[0].measures).min()) for each in kept.values())
            best = {
                name: _replicates_at_best(replace(each[0], measures=each[0].measures[:fewest]))
                for name, each in kept.items()
            }
        return rank_importances(best, LEVEL, "replicate", open_ends), "replicate"
    best = {name: _trials_at_best(study, each) for name, each in kept.items()}
    return rank_importances(best, LEVEL, "trial", open_ends), "trial"


def _replicates_at_best(search: Search) -> Floats:
    if len(search.measures) > 1:
        return best_measures(search.measures)
    finite = search.measures[:, usable(search.measures)]
    return finite.min(axis=1) if finite.size else np.full(1, np.nan)


def _trials_at_best(study: Study, found: list[Search]) -> Floats:
    wide = [over_trials(study, search.wide_measures) for search in found]
    steps = other_trials_steps([s.wide_lambdas for s in found], wide, spacing(study))
    means = []
    for search, first, step in zip(found, wide, steps, strict=True):
        if len(first) > 1:
            means.append(float(best_measures(search.measures).mean()))
        else:
            means.append(float(first[0, step]) if step >= 0 else np.nan)
    return np.array(means)


def answer_study(study: Study) -> Answers:
    """All that a study says, importance measures in the order of its config."""
    have = set(zip(study.steps["trial"], study.steps["importance"], strict=True))
    wanted = [(t, name) for t in range(study.wanted_trials) for name in study.asked]
    found = tuple(answer_importance(study, name) for name in study.importances)
    comparison, over = compare_importances(study, found)
    return Answers(
        found,
        comparison,
        over,
        tuple(pair for pair in wanted if pair not in have),
    )


def reasons(answer: ImportanceAnswer | TrialAnswer) -> str:
    """Why statements are missing, as one text; empty where none is."""
    what = {
        "best lambda": answer.best.reason,
        "resolved": answer.resolved.reason,
        "gain": answer.gain.reason,
        "distance": answer.distance.reason,
    }
    if isinstance(answer, TrialAnswer):
        what["lambdas alike"] = answer.alike.reason
    else:
        what |= answer.recommendation.reasons
    return "; ".join(f"{name}: {reason}" for name, reason in what.items() if reason)
