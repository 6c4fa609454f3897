"""What a study recommends for a new network: the lambda to use, what it costs to be wrong, where
that network's own best lambda lies, and whether another measure would say something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ewc_lambda.inference.across_trials import at_ends, study_best_lambda
from ewc_lambda.inference.best_lambda import (
    BestLambda,
    Interval,
    best_lambda,
    mean_interval,
    scaled,
    unscaled,
)
from ewc_lambda.inference.mean_curve import (
    Curves,
    Tolerance,
    lambda_to_use,
    tolerance,
)
from ewc_lambda.inference.new_network import predicted_best, trials_needed
from ewc_lambda.inference.reach import within
from ewc_lambda.inference.regret import (
    Regret,
    RegretCurve,
    cost_of_factor,
    regret,
    regret_over_lambda,
)
from ewc_lambda.reporting.noticed_lines import noticed
from ewc_lambda.results.decided import targets
from ewc_lambda.results.searches import (
    Floats,
    Search,
    across_level,
    curves_of,
    reach,
    spacing,
)
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import LEVEL

SHARES = (0.05, 0.1)
FACTORS = (2, 3, 10)


@dataclass(frozen=True)
class ByAccuracy:
    """Best lambda by the final average accuracy, or by another criterion than the study's, and how
    far it lies from the study's: a factor (a difference on a linear scale), with its interval,
    paired over trials. ``apart`` where they differ beyond doubt.
    """

    best: Interval
    away: Interval
    apart: bool


@dataclass(frozen=True)
class Recommendation:
    """What to take for a new network; shares are of the measure. ``own`` is the interval in which a
    new network's own best lambda lies, ``factors`` what it costs to be so many times off, and
    ``halving`` the number of trials that would halve the interval and ``asked`` how wide which
    interval was asked to be, if one was (`decided.targets`). ``by_accuracy`` is None in a
    regression; ``noticed`` is what is odd about the trials. Where lambda is chosen by another thing
    than the measure, ``others`` are the answers by what it is not chosen by.
    """

    use: Interval
    regret: Regret
    tolerances: tuple[Tolerance, ...]
    own: Interval
    curve: RegretCurve
    factors: tuple[tuple[int, float], ...]
    halving: int | None
    asked: Mapping[str, float]
    by_accuracy: ByAccuracy | None
    noticed: tuple[str, ...] = ()
    others: Mapping[str, ByAccuracy | None] = field(default_factory=dict)

    @property
    def reasons(self) -> dict[str, str]:
        """Why numbers are missing, by what they say."""
        return {
            "lambda to use": self.use.reason,
            "regret": self.regret.reason,
            "tolerance": self.tolerances[0].reason,
            "own best lambda": self.own.reason,
            "factors off": self._factors_reason(),
            "best lambda by accuracy": self._accuracy_reason(),
        }

    def _factors_reason(self) -> str:
        unknown = [str(factor) for factor, cost in self.factors if not np.isfinite(cost)]
        if self.use.reason or not unknown:
            return self.use.reason
        return f"not all trials searched {' or '.join(unknown)} times off"

    def _accuracy_reason(self) -> str:
        if self.by_accuracy is None:
            return "no accuracy recorded"
        return self.by_accuracy.best.reason or self.by_accuracy.away.reason


def recommend(
    study: Study, found: Sequence[Search], bests: Sequence[BestLambda], no_best: str
) -> Recommendation:
    """Put the searches of an importance measure to the statistics of a new network. ``no_best`` is
    the reason why trials have no minimum between them (`across_trials.at_ends`), else empty: their
    curves then say nothing of what lies beyond.
    """
    curves = curves_of(study, found)
    over = regret_over_lambda(curves, LEVEL)
    nan = float("nan")
    use = own = Interval(nan, nan, nan, len(found), LEVEL, no_best)
    if not no_best:
        use = lambda_to_use(curves, across_level(study))
        own = predicted_best([best.estimate for best in bests], spacing(study), LEVEL)
        own = within(own, *reach(found))
    return Recommendation(
        use,
        _regret(curves, use),
        tuple(_tolerance(curves, share, use) for share in SHARES),
        own,
        over,
        tuple((factor, cost_of_factor(over, use.estimate, factor)) for factor in FACTORS),
        trials_needed(len(found), 0.5, LEVEL),
        targets(study.config),
        _by(study, found, [search.errors for search in found], bests),
        () if use.reason else noticed(curves, [search.trial for search in found], bests),
        {
            name: _by(study, found, [search.others[name] for search in found], bests)
            for name in found[0].others
        },
    )


def _regret(curves: Curves, use: Interval) -> Regret:
    found = regret(curves, LEVEL)
    if np.isfinite(use.estimate):
        return found
    nan = float("nan")
    return Regret(nan, nan, found.shares, LEVEL, use.reason)


def _tolerance(curves: Curves, share: float, use: Interval) -> Tolerance:
    if np.isfinite(use.estimate):
        return tolerance(curves, share)
    nan = float("nan")
    return Tolerance(share, nan, nan, False, False, use.reason)


def _by(
    study: Study,
    found: Sequence[Search],
    values: Sequence[Floats],
    bests: Sequence[BestLambda],
) -> ByAccuracy | None:
    scale = spacing(study)
    if not any(np.isfinite(each).any() for each in values):
        return None
    own = [
        best_lambda(search.lambdas, each, scale, search.first_ends, LEVEL)
        for search, each in zip(found, values, strict=True)
    ]
    best = study_best_lambda(
        [each.estimate for each in own],
        scale,
        LEVEL,
        at_ends([each.end for each in own]),
        [(each.bounded_low, each.bounded_high) for each in own if not each.reason],
    )
    best = within(best, *reach(found))
    pairs = [(a.estimate, b.estimate) for a, b in zip(own, bests, strict=True)]
    away = mean_interval([np.subtract(*scaled(np.array(p), scale)) for p in pairs], LEVEL, "trial")
    if len(found) == 1:
        one, other = own[0], bests[0]
        apart = (one.bounded_low and one.low > other.high) or (
            one.bounded_high and one.high < other.low
        )
        best = Interval(
            one.estimate,
            one.low,
            one.high,
            1,
            LEVEL,
            one.reason,
            not one.bounded_low,
            not one.bounded_high,
        )
    else:
        apart = bool(away.low > 0 or away.high < 0)
    mean, low, high = (unscaled(v, scale) for v in (away.estimate, away.low, away.high))
    factor = Interval(mean, low, high, away.n, LEVEL, away.reason)
    return ByAccuracy(best, factor, bool(apart))
