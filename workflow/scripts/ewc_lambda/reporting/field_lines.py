"""Lines on what a reader of the field looks for first: average accuracy, and forgetting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ewc_lambda.reporting.field_metrics import ACCURACY, FORGETTING, Row
from ewc_lambda.reporting.lines import line

CHOSEN, OTHERS = "chosen lambda", ("lambda = 0", "joint training")
_WHAT = ((ACCURACY, "accuracy"), (FORGETTING, "forgetting"))


def field_lines(rows: Sequence[Row], importance: str) -> list[str]:
    """Average accuracy and forgetting of each trial's chosen lambda, of lambda = 0 and of joint
    training, with 95% intervals, from the rows of `metric_rows`: on the test split where it was
    used, else on the selection split. No line for what is not known.
    """
    lines = []
    for metric, label in _WHAT:
        own = [r for r in rows if r["metric"] == metric and r["importance"] in (importance, "")]
        for split in dict.fromkeys(r["split"] for r in sorted(own, key=_test_first)):
            said = {r["line"]: r for r in _whole(own) if r["split"] == split}
            if CHOSEN in said and np.isfinite(said[CHOSEN]["mean"]):
                lines.append(line(label, _text(said, split)))
                break
    return lines


def _test_first(row: Row) -> bool:
    return bool(row["split"] != "test")


def _whole(rows: Sequence[Row]) -> list[Row]:
    """The rows over all trials; of the only trial, over its replicates."""
    one = len({row["trial"] for row in rows}) == 2
    return [row for row in rows if (row["trial"] == "all") != one]


def _text(said: dict[str, Row], split: str) -> str:
    text = f"{_share(said[CHOSEN])} at the chosen lambda"
    known = [(name, said[name]) for name in OTHERS if name in said]
    for name, row in known:
        if np.isfinite(row["mean"]):
            text += f", {_share(row)} {'at' if '=' in name else 'in'} {name}"
    return f"{text}; {split} split, 95% intervals"


def _share(row: Row) -> str:
    """A share in percent with its interval, which ends where shares do."""
    text = _percent(row["mean"])
    if not np.isfinite(row["low"]):
        return text
    least = 0.0 if row["metric"] == ACCURACY else -1.0
    low, high = max(row["low"], least), min(row["high"], 1.0)
    return f"{text} ({_percent(low)} to {_percent(high)})"


def _percent(share: float) -> str:
    return f"{100 * share + 0.0:.3g}%"
