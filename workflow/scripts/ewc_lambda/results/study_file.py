"""The study file as figures and tables read it: `Study`, and `read_study` for pandas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.inference.replicates import best_column
from ewc_lambda.inference.unpaired import lowest_mean
from ewc_lambda.results.criteria import CRITERIA, MEASURE, criterion
from ewc_lambda.results.run_tables import TABLES, Table, read_tables


@dataclass(frozen=True)
class Study:
    """A study as read from its file.

    ``steps``, ``references``, ``tests`` and ``rounds`` are tables of their scalar columns, a row
    each; the methods give the arrays of given rows.
    """

    steps: pd.DataFrame
    references: pd.DataFrame
    tests: pd.DataFrame
    rounds: pd.DataFrame
    config: dict[str, Any]
    tasks: list[str]
    tables: dict[str, Table]
    attributes: dict[str, Any]

    @classmethod
    def of(cls, tables: dict[str, Table], attributes: dict[str, Any]) -> Study:
        """A study of tables and attributes as `write_tables` takes them.

        Raises:
            KeyError, TypeError, ValueError: they are none of a study.

        """
        frames = {name: _frame(tables.get(name, {})) for name in TABLES}
        return cls(
            frames["steps"],
            frames["references"],
            frames["tests"],
            frames["rounds"],
            attributes["config"],
            list(attributes["tasks"]["names"]),
            tables,
            attributes,
        )

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read a ``study.h5``.

        Raises:
            BrokenFileError: the file is missing or damaged.
            StudyError: it is of another version, or no study file.

        """
        tables, attributes = read_tables(path)
        if attributes.get("content") != "study":
            raise StudyError(f"{path}: not a study file; expected the study.h5 of a study.")
        try:
            return cls.of(tables, attributes)
        except (KeyError, TypeError, ValueError) as error:
            # Sealed and whole, but written by something else.
            raise BrokenFileError(path, f"not what a study file holds ({error!r})") from None

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self.config["study"])

    @property
    def notes(self) -> list[str]:
        """What the owner of the data should know of them, a sentence each."""
        return [str(note) for note in self.attributes.get("notes", ())]

    @property
    def unfinished(self) -> list[str]:
        """What the study lacks that is not finished, a sentence each; empty where it is whole."""
        return [str(line) for line in self.attributes.get("unfinished", ())]

    @property
    def log(self) -> bool:
        """Whether lambda was searched on a log scale."""
        return bool(self.config["spacing"] == "log")

    @property
    def trials(self) -> list[int]:
        """Numbers of the trials, in order."""
        return sorted(int(trial) for trial in self.steps["trial"].unique())

    @property
    def looks(self) -> list[dict[str, Any]]:
        """What was decided on the number of trials (`search.looks`); none where it was fixed."""
        looks = self.attributes.get("looks", {})
        return [looks[number] for number in sorted(looks, key=int)]

    @property
    def wanted_trials(self) -> int:
        """How many trials the study is to have."""
        return int(self.looks[-1]["trials"] if self.looks else self.config["trials"])

    @property
    def importances(self) -> list[str]:
        """Importance measures, in the order of the config, or the groups of a sweep."""
        return [name for name in self.asked if name in set(self.steps["importance"])]

    @property
    def asked(self) -> list[str]:
        """Importance measures that the study is to have."""
        return list(self.sweep.get("groups", self.config["importance"]))

    @property
    def sweep(self) -> dict[str, Any]:
        """How the table was taken that the study was made of (`results.sweep`); empty for a study
        that was run.
        """
        return dict(self.attributes.get("sweep", {}))

    @property
    def paired(self) -> bool:
        """Whether replicates may be compared one by one over lambdas. They may with independent
        random numbers, too, as long as all lambdas have as many.
        """
        return bool(self.sweep.get("paired", True))

    def lowest(self, measures: NDArray[np.float64]) -> int | None:
        """Column of measures (replicates, columns) of lowest mean; None where all diverged."""
        return best_column(measures) if self.paired else lowest_mean(measures)

    def measures(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Riemann measures (rows, replicates) of some rows of ``steps``, or what they are judged
        by: infinite where diverged, NaN where the replicate was not trained, because the step was
        dropped in a race.
        """
        table = self.tables["steps"]
        judged = table.get("judged", table["measure"])
        stored = np.asarray(judged, dtype=float)[rows.index.to_numpy()]
        # In a race in which all steps diverge none gets as many replicates as the config says.
        found = np.full((len(stored), self.config["replicates"]), np.nan)
        found[:, : stored.shape[1]] = stored
        number = np.arange(found.shape[1])
        there = number < self.replicates("steps")[rows.index.to_numpy(), None]
        found[there & ~np.isfinite(found)] = np.inf
        return found

    def replicates(self, table: str) -> NDArray[np.intp]:
        """Number of replicates (rows,) that each row of a table has."""
        columns = self.tables[table]
        width = np.shape(columns["measure"])[1]
        # Study files from before races have the same number everywhere, and do not state it.
        return np.asarray(columns.get("replicates", np.full(len(columns["measure"]), width)))

    @property
    def replicate_range(self) -> tuple[int, int]:
        """Fewest and most replicates of a lambda step."""
        count = self.replicates("steps")
        return int(count.min()), int(count.max())

    def best_row(self, rows: pd.DataFrame) -> int | None:
        """Number of the one of some rows of ``steps`` that has the lowest mean measure; None where
        all of them diverged.
        """
        best = self.lowest(self.measures(rows).T)
        return None if best is None else int(rows.index.to_numpy()[best])

    def reference(self, trial: int, name: str) -> NDArray[np.float64] | None:
        """Riemann measures (replicates,) of a trial's reference line, or what it is judged by; None
        if there is none.
        """
        rows = self.references
        if rows.empty:
            return None
        found = rows.index[(rows["trial"] == trial) & (rows["reference"] == name)]
        table = self.tables["references"]
        return np.asarray(table.get("judged", table["measure"]))[found[0]] if len(found) else None

    @property
    def select_by(self) -> str:
        """By what lambda was chosen, and is judged: one of `criteria.CRITERIA`."""
        return str(self.config.get("select_by", MEASURE))

    @property
    def shares(self) -> bool:
        """Whether trials are averaged as shares, by their geometric mean (``trial_mean``)."""
        return bool(self.config.get("trial_mean") == "geometric")

    @property
    def measured(self) -> str:
        """What stands for the measure, in words; empty for the Riemann measure itself."""
        other = "" if self.select_by == MEASURE else CRITERIA[self.select_by]
        return str(self.sweep.get("measure", other))

    def judged(self, row: int, select_by: str) -> NDArray[np.float64] | None:
        """What a row of ``steps`` would be judged by otherwise (replicates,); None where its curves
        are not in the file.
        """
        table = self.tables["steps"]
        count = self.replicates("steps")[row]
        measure = np.asarray(table["measure"][row][:count], dtype=float)
        if select_by == MEASURE:
            return measure
        if "loss" not in table or "accuracy" not in table:
            return None
        loss, accuracy = (self.curves("steps", row, name) for name in ("loss", "accuracy"))
        introduced = [1 + task * self.evaluations_per_task for task in range(len(self.tasks))]
        return criterion(select_by, measure, loss, accuracy, introduced)

    def curves(self, table: str, row: int, name: str) -> NDArray[np.float64]:
        """``loss`` or ``accuracy`` (replicates, evaluations, tasks), or ``penalty`` (replicates,
        evaluations), of a row of steps or references, from the base model's evaluation on.
        """
        count = self.replicates(table)[row]
        own = np.asarray(self.tables[table][name][row][:count], dtype=np.float64)
        shared = self.tables.get("first_tasks")
        if not shared:
            return own
        trial = self.tables[table]["trial"][row]
        first = int(np.flatnonzero(np.asarray(shared["trial"]) == trial)[0])
        before = np.asarray(shared[name][first][:count], dtype=np.float64)
        return np.concatenate([before, own], axis=1)

    @property
    def evaluations_per_task(self) -> int:
        """Evaluations while one task is trained."""
        return self.epochs_per_task * int(self.config["evaluations_per_epoch"])

    @property
    def epochs_per_task(self) -> int:
        """Epochs of a task: one where the config says how many ``updates`` it has."""
        return 1 if self.config.get("updates") else int(self.config["epochs"])


def read_study(path: str | Path) -> pd.DataFrame:
    """A study file as one tidy table, a row per lambda step and trained replicate.

    Columns: trial, importance, round, step, lambda, diverged, replicate, measure; accuracy, the
    average over all tasks after the last one, and forgetting, both on the selection split and nan
    where there is none.

    Raises:
        BrokenFileError: the file is missing or damaged.
        StudyError: it is of another version, or no study file.

    """
    return runs_of(Study.read(path))


def runs_of(study: Study) -> pd.DataFrame:
    """A study as the table of `read_study`."""
    # Imported here: it takes a study.
    from ewc_lambda.results.accuracies import accuracy_and_forgetting

    measures = study.measures(study.steps)
    frame = study.steps[["trial", "importance", "round", "step", "lambda", "diverged"]]
    frame = frame.loc[frame.index.repeat(measures.shape[1])].reset_index(drop=True)
    frame["replicate"] = np.tile(np.arange(measures.shape[1]), len(study.steps))
    frame["measure"] = measures.reshape(-1)
    others = np.full((2, *measures.shape), np.nan)
    for place, row in enumerate(study.steps.index):
        found = accuracy_and_forgetting(study, "steps", row)
        others[:, place, : len(found[0])] = found
    frame["accuracy"], frame["forgetting"] = others.reshape(2, -1)
    return frame[frame["measure"].notna()].reset_index(drop=True)


def _frame(table: Table) -> pd.DataFrame:
    flat = {name: values for name, values in table.items() if np.ndim(values) == 1}
    return pd.DataFrame(flat)
