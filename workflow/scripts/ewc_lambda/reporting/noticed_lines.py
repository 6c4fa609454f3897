"""Lines on what was noticed over trials that an interval does not show."""

from __future__ import annotations

from collections.abc import Sequence

from ewc_lambda.inference.best_lambda import BestLambda
from ewc_lambda.inference.mean_curve import Curves
from ewc_lambda.inference.oddities import far_off, two_valleys
from ewc_lambda.reporting.lines import line


def noticed(curves: Curves, trials: Sequence[int], bests: Sequence[BestLambda]) -> tuple[str, ...]:
    """What is odd about the trials of an importance measure, a sentence each."""
    found = []
    away = far_off([best.estimate for best in bests], curves.spacing)
    if away is not None:
        found.append(
            f"trial {trials[away]}, of best lambda {bests[away].estimate:.3g}, lies far off the "
            "others'"
        )
    if valleys := two_valleys(curves):
        low, high = valleys
        found.append(
            f"two valleys, at {low:.3g} and at {high:.3g}: as low as one another, and between them "
            "the mean curve is higher beyond doubt"
        )
    return tuple(found)


def noticed_lines(said: Sequence[str]) -> list[str]:
    """The same, as lines of the summary."""
    return [line("noticed", each) for each in said]
