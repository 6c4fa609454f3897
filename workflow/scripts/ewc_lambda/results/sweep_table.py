"""A table of results from a file: CSV, TSV, Parquet, or JSON in three forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from ewc_lambda.errors import StudyError

FORMS = "a table is read from .csv, .tsv, .txt, .json or .parquet"


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table with a row for each run.

    JSON is a list of rows ({column: value}), a mapping of columns to lists, or, as the original
    published its results, a list of trials, each a list of [lambda, measure].

    Raises:
        StudyError: the file is missing, empty, or not of its form.

    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise StudyError(f"{path}: {FORMS}")
    try:
        table = reader(path)
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ImportError:
        raise StudyError(
            f"{path}: reading Parquet needs pyarrow. Install it (pip install pyarrow), or save the "
            f"table as CSV."
        ) from None
    except (ValueError, RecursionError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StudyError(f"{path}: not a table of its form ({reason})") from None
    if table.empty:
        raise StudyError(f"{path}: holds no rows")
    return table


def _csv(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig") as file:
        head = file.readline()
    # Tables saved where the comma is the decimal sign are separated by semicolons.
    separator = max(",;\t", key=head.count)
    return pd.read_csv(path, sep=separator, encoding="utf-8-sig", skipinitialspace=True)


def _json(path: Path) -> pd.DataFrame:
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, list) and content and all(isinstance(each, list) for each in content):
        return pd.DataFrame(
            [_point(number, point) for number, trial in enumerate(content) for point in trial],
            columns=["trial", "lambda", "measure"],
        )
    rows = isinstance(content, list) and all(isinstance(each, dict) for each in content)
    columns = isinstance(content, dict) and all(isinstance(v, list) for v in content.values())
    if not rows and not columns:
        raise ValueError(
            "needed: a list of rows, a mapping of columns, or trials of [lambda, measure]"
        )
    return pd.DataFrame(content)


def _point(trial: int, point: Any) -> tuple[int, Any, Any]:
    if not isinstance(point, list) or len(point) != 2:
        raise ValueError(f"trial {trial}: {point!r} is not [lambda, measure]")
    return trial, point[0], point[1]


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _csv,
    ".json": _json,
    ".parquet": pd.read_parquet,
}
