"""A sweep that somebody has run, from its table to the answer: `analyse`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ewc_lambda.reporting.answers import Answers, answer_study
from ewc_lambda.reporting.plotting import draw_figure
from ewc_lambda.reporting.summary import summary
from ewc_lambda.results.run_tables import write_tables
from ewc_lambda.results.study_file import Study
from ewc_lambda.results.sweep import Reading, sweep_tables
from ewc_lambda.results.sweep_table import read_table
from ewc_lambda.store.records import file_digest


@dataclass(frozen=True)
class Analysis:
    """A sweep as a study, and what it says; as text, the answer in words."""

    study: Study
    answers: Answers

    def __str__(self) -> str:
        return summary(self.study, self.answers).rstrip("\n")

    def save(self, path: str | Path) -> None:
        """Write the study file (.h5)."""
        write_tables(path, self.study.tables, self.study.attributes)

    def draw(self, *paths: str | Path, figure: str = "measure_over_lambda") -> None:
        """Draw a figure of the study to each path, PNG or SVG by its ending."""
        draw_figure(figure, self.study, paths)


def analyse(
    table: pd.DataFrame | str | os.PathLike[str],
    *,
    lam: str | None = None,
    metric: str | None = None,
    seed: str | None = None,
    trial: str | None = None,
    group: str | None = None,
    maximize: bool | None = None,
    spacing: str | None = None,
    paired: bool | None = None,
    name: str = "sweep",
) -> Analysis:
    """The best lambda of a sweep, from a table with a row for each run.

    Args:
        table: a DataFrame, or a file of one (`results.sweep_table.read_table`).
        lam: column of lambda; by its name if not given, as are ``seed`` and ``trial``.
        metric: column of the measure; the only one left if not given.
        seed: column of the seed or the number of the run.
        trial: column of what is a trial here: base model, order of data.
        group: column of methods to compare.
        maximize: whether higher is better; by the column's name if not given.
        spacing: log or linear; the one on which the lambdas lie more evenly if not given.
        paired: whether runs of one seed at different lambdas belong together; if not given, they
            do where seeds stand at more than one lambda.
        name: name of the study.

    Raises:
        StudyError: what is wrong with the table, by column and row, and what to do.

    """
    if isinstance(table, pd.DataFrame):
        frame, origin = table, {"source": "the table"}
    else:
        path = Path(table)
        frame = read_table(path)
        origin = {"source": path.name, "source_sha256": file_digest(path)}
    reading = Reading(lam, metric, seed, trial, group, maximize, spacing, paired)
    study = Study.of(*sweep_tables(frame, name, reading, origin))
    return Analysis(study, answer_study(study))
