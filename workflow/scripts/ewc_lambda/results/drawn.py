"""What is drawn and written from a study file alone, and whether it still shows that very file.

Pictures and tables have no seal of their own: a record beside them holds their digests, the digest
of the code and the seal of the study file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ewc_lambda.errors import StudyError
from ewc_lambda.store.code import code_digest, source_digest
from ewc_lambda.store.front import read_front
from ewc_lambda.store.provenance import provenance, recipe_of
from ewc_lambda.store.records import file_digest, read_json, write_json
from ewc_lambda.store.stamps import gathered_from, stamped


class Drawing(NamedTuple):
    """A figure or the tables: its ``record``, the ``paths`` of its files, and the ``scripts`` that
    make them.
    """

    record: str
    paths: list[str]
    scripts: list[str]


def drawn_by(scripts: Iterable[str]) -> dict[str, Any]:
    """Parameters of a job that draws: its code, and what of it must not change meanwhile."""
    names = list(scripts)
    source = {"scripts": names, "files": [], "sha256": source_digest(*names)}
    return {"code": code_digest(*names), "source": source}


def record_drawing(record: str, study: str, paths: Iterable[str], code: str) -> None:
    """Write down what was drawn from a study file, by which code."""
    origin = {"gathered": gathered_from([read_front(study).seal])}
    digests = {Path(path).name: file_digest(path) for path in paths}
    write_json(record, {"drawn": digests, **stamped(provenance(code, {}), origin)})


def drawing_stands(record: str, study: str, paths: Iterable[str], code: str) -> bool:
    """Whether what was drawn is there as it was drawn, from this study file, by this code."""
    try:
        known: Mapping[str, Any] = read_json(record)
        origin = {"gathered": gathered_from([read_front(study).seal])}
        if known["origin"] != origin or recipe_of(known["provenance"]) != _recipe(code):
            return False
        return all(known["drawn"].get(Path(path).name) == file_digest(path) for path in paths)
    except (StudyError, OSError, KeyError, TypeError):
        return False


def _recipe(code: str) -> str:
    return recipe_of({"code_sha256": code, "config": {}})
