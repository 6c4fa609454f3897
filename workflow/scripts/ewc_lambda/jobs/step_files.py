"""The files of lambda steps, as a job's outputs name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Step(NamedTuple):
    """A step of a round and where its record and weights (None: not kept) go."""

    number: int
    record: str
    weights: str | None


def step_files(outputs: Any) -> list[Step]:
    """The steps that a job's outputs name. Their numbers stand in the names of the files and not
    in a parameter, so that another steps_per_job is no reason to train them again.
    """
    records = list(outputs.records)
    weights: Sequence[str | None] = outputs.get("weights") or [None] * len(records)
    return [
        Step(int(Path(record).stem.removeprefix("step_")), record, kept)
        for record, kept in zip(records, weights, strict=True)
    ]
