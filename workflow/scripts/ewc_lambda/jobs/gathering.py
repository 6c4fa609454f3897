"""By what a file that is gathered from others names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ewc_lambda.results.kinds import KINDS
from ewc_lambda.store.stamps import digest_of, gathered_from, read_stamp


def gathered_origin(kind: str, inputs: Any, labels: Mapping[str, Any]) -> dict[str, str]:
    """The origin of a file of a ``kind``, from its job's inputs, and the digest of its labels."""
    paths: list[str] = []
    for name in KINDS[kind].gathered or ():
        found = inputs.get(name) or []
        paths += [found] if isinstance(found, str) else found
    seals = gathered_from(read_stamp(path).seal for path in paths)
    return {"gathered": seals, "labels": digest_of(dict(labels))}
