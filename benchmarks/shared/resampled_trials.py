"""Trials that are drawn from those of a committed study: its base models' curves and its noise.

A base model b of the study has a fitted mean curve f_b over x = log10(lambda) and, for each of its
replicates, the fitted curve of what that one is off by, d_br; what is left are residuals of
standard deviation s_b. A drawn trial has one base model at random and replicates r with

    y_r(x) = f_b(x) + d_b,k(r)(x) + s_b e_rx,

k(r) drawn with replacement, e drawn afresh at each lambda. Beyond what a trial searched its curve
goes on as it ended, but does not fall. Where the study has lines of lambda = 0, those of the same
replicates k(r) are the trial's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ewc_lambda.inference.best_lambda import matrix
from ewc_lambda.inference.curve_fit import Spline, fit_window
from ewc_lambda.inference.replicates import filled, usable
from ewc_lambda.inference.student import Floats
from ewc_lambda.reporting.answers import open_study
from ewc_lambda.results.searches import Search, searches

ROOT = Path(__file__).parents[2]
FINE = 801


class BaseModel:
    """A base model of a study, from its search."""

    def __init__(self, search: Search, line: Floats | None = None) -> None:
        lambdas, table = matrix(search.lambdas, search.measures)
        use = usable(table)
        x, measures = np.log10(lambdas[use]), filled(table[:, use])
        kept = fit_window(x, measures.mean(axis=0))
        x, measures = x[kept], measures[:, kept]
        spline = Spline(x, float(np.ptp(np.log10(search.first_ends))))
        self._x = np.linspace(x[0], x[-1], FINE)
        self._curve = spline(measures.mean(axis=0)[None], self._x)[0]
        count = len(measures)
        off = (measures - measures.mean(axis=0)) * np.sqrt(count / (count - 1))
        self._off = spline(off, self._x)
        left = off - spline(off, x)
        # The spline takes a degree of freedom a site, of which there are fewer than lambdas.
        free = np.linalg.matrix_rank(np.eye(len(x)) - spline(np.eye(len(x)), x))
        self._rough = float(np.sqrt((left**2).sum() / (count * free))) if free else 0.0
        step = self._x[20] - self._x[0]
        line = np.full(count, np.nan) if line is None else line
        self.zero = float(line.mean())
        self._off_zero = (line - line.mean()) * np.sqrt(count / (count - 1))
        self._falls = min(0.0, float(self._curve[20] - self._curve[0]) / step)
        self._rises = max(0.0, float(self._curve[-1] - self._curve[-21]) / step)

    def expected(self, x: Floats) -> Floats:
        """The curve at x, of any shape."""
        below = np.minimum(x - self._x[0], 0.0) * self._falls
        above = np.maximum(x - self._x[-1], 0.0) * self._rises
        return np.asarray(np.interp(x, self._x, self._curve) + below + above)

    @property
    def lowest(self) -> float:
        """The minimum of its curve over what its trial searched."""
        return float(self._curve.min())

    def measures(self, rng: np.random.Generator, replicates: int) -> Callable[[float], Floats]:
        """A trial of this base model: what its replicates (R,) measure at x."""
        return self.trial(rng, replicates)[0]

    def trial(
        self, rng: np.random.Generator, replicates: int
    ) -> tuple[Callable[[float], Floats], Floats]:
        """A trial of this base model, and its measures (R,) at lambda = 0: NaN without a line."""
        chosen = rng.integers(len(self._off), size=replicates)

        def measure(x: float) -> Floats:
            off = np.array([np.interp(x, self._x, self._off[row]) for row in chosen])
            rough = self._rough * rng.standard_normal(replicates)
            return np.asarray(self.expected(np.array(x)) + off + rough)

        return measure, self.zero + self._off_zero[chosen]


def base_models(path: str) -> list[BaseModel]:
    """Those of a committed study, each with several replicates."""
    study = open_study(ROOT / path)
    return [
        BaseModel(search, study.reference(search.trial, "finetuning"))
        for search in searches(study, study.importances[0])
    ]
