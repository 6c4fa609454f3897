"""What a record says of how it came to be: the recipe that it was made by, and digests of what it
was made from. Sealed HDF5 files have this in front, so that nothing else of them need be parsed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ewc_lambda.store.front import SHORT, Front, read_front
from ewc_lambda.store.provenance import recipe_of
from ewc_lambda.store.records import json_seal, read_json


def digest_of(value: Any) -> str:
    """SHA-256 of what JSON can say, the same for mappings in whatever order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def gathered_from(seals: Iterable[str]) -> str:
    """SHA-256 over the seals of all files that another was gathered from, in their order."""
    return digest_of(list(seals))


def stamped(provenance: Mapping[str, Any], origin: Mapping[str, str]) -> dict[str, Any]:
    """What a JSON record holds for `read_stamp`."""
    return {"provenance": dict(provenance), "origin": dict(origin)}


def read_stamp(path: str | Path) -> Front:
    """The stamp of a record, which is read and compared with its seal.

    Raises:
        BrokenFileError: the file is missing, truncated, changed, or not one of ours.

    """
    if Path(path).suffix != ".json":
        return read_front(path)
    content = read_json(path)
    # A record of an earlier version has neither; it is of no recipe of today's.
    known = content.get("provenance")
    recipe = recipe_of(known) if known else ""
    origin = {name: digest[:SHORT] for name, digest in content.get("origin", {}).items()}
    return Front(json_seal(content), recipe, origin)
