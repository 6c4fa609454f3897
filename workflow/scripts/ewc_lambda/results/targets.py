"""Published numbers that a study is compared with, from a table: ``replications/targets.csv``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ewc_lambda.errors import StudyError
from ewc_lambda.inference.against_published import ERRORS

# What is compared: the accuracy in percent after the last task at a lambda, at lambda = 0 or at
# the best lambda of the grid; what a lambda gains over 0, in percent; and the best lambda itself.
QUANTITIES = ("accuracy", "plain accuracy", "best accuracy", "gain", "best lambda")
COLUMNS = (
    "source",
    "study",
    "importance",
    "quantity",
    "lambda",
    "published",
    "error",
    "error_is",
    "runs",
)


@dataclass(frozen=True)
class Target:
    """A row: what a source published, and which study answers. ``number`` is its line."""

    number: int
    source: str
    study: str
    importance: str
    quantity: str
    lambda_: float
    published: float
    error: float
    error_is: str
    runs: int

    @property
    def name(self) -> str:
        """By what messages name it."""
        return f"row {self.number} ({self.study}, {self.importance or 'plain'}, {self.quantity})"


def read_targets(path: str | Path) -> list[Target]:
    """The rows of a table of targets.

    Raises:
        StudyError: names the file, and the row or column that is wrong.

    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as a table ({error})") from None
    if tuple(table.columns) != COLUMNS:
        raise StudyError(f"{path}: its columns must be {', '.join(COLUMNS)}")
    rows = table.itertuples(index=False)
    return [
        _target(path, number, dict(zip(COLUMNS, row, strict=True)))
        for number, row in enumerate(rows, 2)
    ]


def _target(path: str | Path, number: int, row: dict[str, str]) -> Target:
    for name, allowed in (("quantity", QUANTITIES), ("error_is", ERRORS)):
        if row[name] not in allowed:
            raise StudyError(
                f"{path}: row {number}: {name} {row[name]!r}. Allowed: {', '.join(allowed)}."
            )
    try:
        numbers = {name: float(row[name] or "nan") for name in ("lambda", "published", "error")}
        runs = int(row["runs"])
    except ValueError as error:
        raise StudyError(f"{path}: row {number}: {error}") from None
    return Target(
        number,
        row["source"],
        row["study"],
        row["importance"],
        row["quantity"],
        numbers["lambda"],
        numbers["published"],
        numbers["error"],
        row["error_is"],
        runs,
    )
