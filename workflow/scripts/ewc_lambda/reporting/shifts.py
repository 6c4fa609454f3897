"""The shift of lambda between kinds of Fisher information: predicted from sizes, and measured.

A penalty of half the size needs twice the lambda. So the shift of one kind of Fisher information
against another is log10 of the ratio of their sums over all weights, which is known after the
first task. Measured it is the distance, over log10 of lambda, between the curves of accuracy of
both, where each rises past halfway from lambda = 0 to the best of the first kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ewc_lambda.inference.against_published import Mean, crossings, of_trials
from ewc_lambda.inference.student import Floats
from ewc_lambda.reporting.answers import open_study
from ewc_lambda.reporting.replications import Curve, curve


def halfway(of: Curve) -> Floats:
    """Halfway from each trial's accuracy at lambda = 0 to its best one (T,); NaN where lambda = 0
    was not trained.
    """
    if of.plain is None:
        return np.full(len(of.accuracies), np.nan)
    return np.asarray((of.plain + of.accuracies.max(axis=1)) / 2)


def measured(of: Curve, first: Curve) -> Floats:
    """Decades from the crossing of the first kind's curve to that of another, for each trial that
    both have (T,); NaN where one of them has none.
    """
    both = min(len(of.accuracies), len(first.accuracies))
    levels = halfway(first)[:both]
    found = crossings(of.lambdas, of.accuracies[:both], levels)
    return np.asarray(found - crossings(first.lambdas, first.accuracies[:both], levels))


def predicted(sizes: pd.DataFrame, name: str, first: str) -> Floats:
    """log10 of the ratio of sums, for each trial (T,)."""
    return np.log10(sizes[first].to_numpy(float) / sizes[name].to_numpy(float))


def shifts_table(studies: Sequence[str], folder: Path, sizes: Path) -> str:
    """The table of studies of the same base models as Markdown, from their files and the sums of
    ``sizes`` (columns study, trial, and one for each kind), which name the first one. What was not
    run has no measured shift.
    """
    table = pd.read_csv(sizes)
    own = table[table["study"] == studies[0]].sort_values("trial")
    kinds = [name for name in table.columns if name.startswith("fisher_")]
    curves: dict[str, Curve] = {}
    for path in (folder / study / "study.h5" for study in studies):
        if path.exists():
            read = open_study(path)
            curves |= {name: curve(read, name) for name in read.importances}
    lines = [
        "| against exact | predicted, decades | measured | measured - predicted, paired |",
        "|---|---|---|---|",
    ]
    for name in kinds[1:]:
        said = predicted(own, name, kinds[0])
        cells = [name, _mean(said), "not run", ""]
        if name in curves:
            found = measured(curves[name], curves[kinds[0]])
            both = min(len(found), len(said))
            cells[2:] = [_mean(found), _mean(found[:both] - said[:both])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mean(values: Floats) -> str:
    there = values[np.isfinite(values)]
    if not there.size:
        return "no trial crosses"
    found: Mean = of_trials(there)
    return f"{found.value:+.2f} ± {found.half:.2f} ({found.n} trials)"
