"""What a lambda costs that was not found for the network at hand: one from other splits of the
classes, and the one of a rule of thumb.

The rule, of FACIL's framework (Masana et al. 2022, arXiv 2010.15277): start at a large lambda and
halve it until the accuracy of the new task is within 20% of fine-tuning's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ewc_lambda.inference.against_published import Mean, of_trials
from ewc_lambda.inference.student import Floats
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.results.study_file import Study

SHARE = 0.2


@dataclass(frozen=True)
class Grid:
    """A study whose trials share their lambdas (S,): of each trial the measure and the last task's
    accuracy when it was learned, both (T, S), and that accuracy by fine-tuning (T,); means over
    replicates.
    """

    lambdas: Floats
    measure: Floats
    newest: Floats
    plain: Floats

    @classmethod
    def of(cls, study: Study, importance: str) -> Grid:
        """The grid of an importance measure."""
        steps, lines = study.tables["steps"], study.tables["references"]
        own = np.flatnonzero(np.asarray(steps["importance"]) == importance)
        lambdas = np.unique(np.asarray(steps["lambda"])[own])
        shape = len(study.trials), len(lambdas)
        measure, newest = np.full(shape, np.nan), np.full(shape, np.nan)
        for row in own:
            place = (
                study.trials.index(int(steps["trial"][row])),
                int(np.searchsorted(lambdas, steps["lambda"][row])),
            )
            measure[place] = np.mean(steps["measure"][row])
            newest[place] = np.mean(steps["accuracy"][row][:, -1, -1])
        plain = np.full(len(study.trials), np.nan)
        for row in np.flatnonzero(np.asarray(lines["reference"]) == "finetuning"):
            trial = study.trials.index(int(lines["trial"][row]))
            plain[trial] = np.mean(lines["accuracy"][row][:, -1, -1])
        return cls(lambdas, measure, newest, plain)

    def by_halving(self, share: float = SHARE) -> list[int]:
        """The step that the rule takes in each trial: the greatest lambda at which the new task is
        learned as well as 1 - ``share`` of fine-tuning; the least of the grid where none is.
        """
        enough = self.newest >= (1 - share) * self.plain[:, None]
        return [max(map(int, np.flatnonzero(row)), default=0) for row in enough]

    def by_others(self) -> list[int]:
        """The step that is best in the mean of all other trials, for each trial."""
        return list((self.measure.sum(axis=0) - self.measure).argmin(axis=1))

    def lost(self, steps: list[int]) -> Floats:
        """How much worse each trial is at its step than at its own best one, as a share (T,)."""
        at = self.measure[np.arange(len(steps)), steps]
        return np.asarray(at / self.measure.min(axis=1) - 1)

    def lost_by_one_other(self) -> Floats:
        """The same at the best steps of each single other trial, in the mean over these (T,)."""
        best = self.measure.argmin(axis=1)
        shares = self.measure[:, best] / self.measure.min(axis=1)[:, None] - 1
        others = ~np.eye(len(best), dtype=bool)
        return np.array([row[kept].mean() for row, kept in zip(shares, others, strict=True)])


def halving_table(path: Path) -> str:
    """The table as Markdown; a line that says so where the study has not been run."""
    if not path.exists():
        return f"`{path.parent.name}`: prepared, and not run yet."
    study = open_study(path)
    (answer,) = answer_study(study)
    grid = Grid.of(study, answer.importance)
    rule, others = grid.by_halving(), grid.by_others()
    rows = (
        ("best on the other splits together", others, grid.lost(others)),
        ("best on one other split", list(grid.measure.argmin(axis=1)), grid.lost_by_one_other()),
        ("of the rule of thumb", rule, grid.lost(rule)),
    )
    lines = ["| lambda | from, to | worse than the split's own best by |", "|---|---|---|"]
    for name, steps, shares in rows:
        ends = grid.lambdas[min(steps)], grid.lambdas[max(steps)]
        lines.append(f"| {name} | {ends[0]:.3g} to {ends[1]:.3g} | {_share(of_trials(shares))} |")
    use = answer.recommendation.use
    said = f"Lambda to use on a new split: {use.estimate:.3g} ({use.low:.3g} to {use.high:.3g})."
    return "\n".join([*lines, "", said])


def _share(value: Mean) -> str:
    if math.isnan(value.half):
        return f"{value.value:.1%} (one split)"
    low, high = (value.value + sign * value.half for sign in (-1, 1))
    return f"{value.value:.1%} ({max(low, 0):.1%} to {high:.1%}; {value.n} splits)"
