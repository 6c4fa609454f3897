"""The losses that a command wrote: JSON, or CSV with or without a line of names."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ewc_lambda.errors import StudyError

FORMS = (
    "JSON of losses (evaluations, tasks), or of an object with losses and accuracies, or CSV with "
    "a column of losses per task, and of accuracies whose names begin with accuracy"
)


def read_losses(path: Path, name: str) -> dict[str, np.ndarray]:
    """Losses, and accuracies where there are some, of the file that a command wrote to the path
    that stood for {output}; ``name`` is what messages call the command.

    Raises:
        StudyError: it wrote none, or something else.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StudyError(f"{name}: wrote nothing to the path that stood for {{output}}") from None
    except (OSError, UnicodeDecodeError):
        raise StudyError(f"{name}: what it wrote to {{output}} is no text; {FORMS}") from None
    try:
        found = _json(text) if text.lstrip()[:1] in ("{", "[") else _csv(text)
        return {key: np.asarray(values, dtype=np.float64) for key, values in found.items()}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StudyError(
            f"{name}: what it wrote to {{output}} cannot be read ({error}); {FORMS}"
        ) from None


def _json(text: str) -> dict[str, Any]:
    content = json.loads(text)
    if isinstance(content, list):
        return {"losses": content}
    if "losses" not in content:
        raise ValueError("no losses in it")
    return {key: content[key] for key in ("losses", "accuracies") if content.get(key) is not None}


def _csv(text: str) -> dict[str, Any]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if not rows:
        raise ValueError("it is empty")
    names: Sequence[str] = []
    if not all(map(_is_number, rows[0])):
        names, *rows = rows
    table = np.array([[float(cell) for cell in row] for row in rows]).reshape(len(rows), -1)
    if names and len(names) != table.shape[1]:
        raise ValueError(f"{len(names)} names, {table.shape[1]} columns")
    right = np.array([each.strip().lower().startswith("accuracy") for each in names], dtype=bool)
    if not right.any():
        return {"losses": table}
    return {"losses": table[:, ~right], "accuracies": table[:, right]}


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
