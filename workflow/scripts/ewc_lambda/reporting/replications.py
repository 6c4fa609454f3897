"""Published numbers beside those of the committed studies that repeat their set-ups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ewc_lambda.errors import StudyError
from ewc_lambda.inference.against_published import (
    Mean,
    difference,
    of_trials,
    published,
)
from ewc_lambda.inference.student import Floats
from ewc_lambda.reporting.answers import open_study
from ewc_lambda.results.study_file import Study
from ewc_lambda.results.targets import Target


@dataclass(frozen=True)
class Compared:
    """A target, what our study says, and ours minus theirs; best lambdas as log10."""

    target: Target
    ours: Mean
    theirs: Mean
    apart: Mean

    @property
    def verdict(self) -> str:
        """Whether the difference is told from 0, where there is an interval."""
        if math.isnan(self.apart.value):
            return "not found"
        if math.isnan(self.apart.half):
            return "not told: one trial"
        return "agrees" if abs(self.apart.value) <= self.apart.half else "differs"


@dataclass(frozen=True)
class Curve:
    """Accuracies in percent after the last task: lambdas (S,), a row for each trial (T, S), and of
    each trial at lambda = 0 (T,), if that was trained.
    """

    lambdas: Floats
    accuracies: Floats
    plain: Floats | None

    @property
    def best(self) -> int:
        """The lambda of the highest mean over trials."""
        return int(self.accuracies.mean(axis=0).argmax())


def curve(study: Study, importance: str) -> Curve:
    """What a study chosen by final accuracy has of an importance measure, whose trials share their
    lambdas; means over replicates.
    """
    steps = study.tables["steps"]
    own = np.asarray(steps["importance"]) == importance
    lambdas = np.unique(np.asarray(steps["lambda"])[own])
    accuracies = np.full((len(study.trials), len(lambdas)), np.nan)
    for row in np.flatnonzero(own):
        column = int(np.searchsorted(lambdas, steps["lambda"][row]))
        found = 100 * (1 - np.asarray(steps["judged"][row]).mean())
        accuracies[study.trials.index(int(steps["trial"][row])), column] = found
    lines = [study.reference(trial, "finetuning") for trial in study.trials]
    there = [line for line in lines if line is not None]
    plain = None
    if len(there) == len(lines):
        plain = 100 * (1 - np.array([line.mean() for line in there]))
    return Curve(lambdas, accuracies, plain)


def compare(targets: list[Target], folder: str | Path) -> list[Compared]:
    """Each target with the number of the study ``folder``/NAME/study.h5 that answers it.

    Raises:
        StudyError: names the row that no study answers.

    """
    paths = {t.study: Path(folder) / t.study / "study.h5" for t in targets}
    studies = {name: open_study(path) for name, path in paths.items() if path.exists()}
    return [_compared(target, studies) for target in targets]


def _compared(target: Target, studies: Mapping[str, Study]) -> Compared:
    name = target.study
    if name not in studies:
        raise StudyError(
            f"targets: {target.name} is answered by no study: {name}/study.h5 is not there. "
            f"Run it (make replications STUDIES={name}), or take the row out."
        )
    theirs = published(*_published(target), target.error_is, target.runs)
    ours = _ours(target, studies)
    return Compared(target, ours, theirs, difference(ours, theirs))


def _published(target: Target) -> tuple[float, float]:
    value = math.log10(target.published) if target.quantity == "best lambda" else target.published
    return value, target.error


def _ours(target: Target, studies: Mapping[str, Study]) -> Mean:
    study = studies[target.study]
    importance = target.importance or study.importances[0]
    if importance not in study.importances:
        raise StudyError(f"targets: {target.name}: the study has no importance measure of it.")
    of = curve(study, importance)
    if target.quantity == "plain accuracy":
        return of_trials(_plain(target, of))
    if target.quantity == "best accuracy":
        return of_trials(of.accuracies[:, of.best])
    if target.quantity == "best lambda":
        return of_trials(np.log10(of.lambdas[of.accuracies.argmax(axis=1)]))
    at = _at(target, of)
    return of_trials(at if target.quantity == "accuracy" else at - _plain(target, of))


def _plain(target: Target, of: Curve) -> Floats:
    if of.plain is None:
        raise StudyError(f"targets: {target.name}: the study has no reference line lambda = 0.")
    return of.plain


def _at(target: Target, of: Curve) -> Floats:
    near = np.flatnonzero(np.isclose(of.lambdas, target.lambda_, rtol=1e-6))
    if not near.size:
        raise StudyError(f"targets: {target.name}: the study has no lambda {target.lambda_:g}.")
    return of.accuracies[:, near[0]]
