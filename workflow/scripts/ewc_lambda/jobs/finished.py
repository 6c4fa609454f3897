"""Finished steps of a job that trains several, kept until the job has ended well.

Snakemake deletes the outputs of a job that failed or was killed. So a step goes first to a folder
that Snakemake knows nothing of, and to its place once all are there. A job that is started again
takes from that folder what was made from the same inputs, by the same code and config.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.run_job import logger
from ewc_lambda.jobs.step_files import Step
from ewc_lambda.results.runs import Run
from ewc_lambda.store.provenance import provenance, recipe_of
from ewc_lambda.store.records import file_digest, read_hdf5
from ewc_lambda.store.replacing import replacing


class Trial(Protocol):
    """A trial opened for training, whoever trains it."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The part of the config that its steps depend on."""

    @property
    def origin(self) -> Mapping[str, str]:
        """The digests of what it starts from."""

    @property
    def code(self) -> str:
        """The digest of the code that trains it."""

    def save(self, weights: str | Path | None, state: Any) -> dict[str, str]:
        """Write a state's weights where they are kept; the digest to record."""

    def write(self, path: str | Path, run: Run, digests: Mapping[str, str]) -> None:
        """Write a run's record."""


class Finished:
    """The folder of finished steps beside a job's outputs. ``digests`` name what the steps are
    made from besides data and base model.
    """

    def __init__(self, opened: Trial, digests: Mapping[str, str]) -> None:
        self._trial = opened
        self._digests = dict(digests)
        self._origin = {**opened.origin, **digests}
        self._recipe = recipe_of(provenance(opened.code, opened.config))

    def take(self, step: Step, labels: Mapping[str, Any]) -> NDArray[np.float64] | None:
        """Measures (replicates,) of this very step, if an earlier start of the job left it."""
        record, weights = self._paths(step)
        if not record.exists():
            return None
        try:
            content, attributes = read_hdf5(record)
        except StudyError:
            return None
        origin = dict(attributes["origin"])
        digest = origin.pop("weights", None)
        if (
            attributes["labels"] != labels
            or origin != self._origin
            or recipe_of(attributes["provenance"]) != self._recipe
        ):
            return None
        if weights is not None and not (weights.exists() and file_digest(weights) == digest):
            return None
        logger.info("step %d was finished before the job was interrupted", step.number)
        return np.asarray(content["measure"])

    def put(self, step: Step, run: Run, state: Any) -> None:
        """Keep a step that was just trained."""
        record, weights = self._paths(step)
        self._trial.write(record, run, self._digests | self._trial.save(weights, state))

    def place(self, steps: Sequence[Step]) -> None:
        """Put all steps where the job's outputs belong, and forget them here. A second writer of
        the same steps, left over from a Snakemake that was killed, may have done so already.
        """
        for step in steps:
            record, weights = self._paths(step)
            if weights is not None and step.weights is not None:
                _place(weights, Path(step.weights))
            _place(record, Path(step.record))
        for step in steps:
            shutil.rmtree(self._paths(step)[0].parent, ignore_errors=True)

    def _paths(self, step: Step) -> tuple[Path, Path | None]:
        record = Path(step.record)
        folder = record.parent / ".finished" / record.stem
        return folder / record.name, (
            None if step.weights is None else folder / Path(step.weights).name
        )


def _place(source: Path, target: Path) -> None:
    if source.exists() or not target.exists():
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
