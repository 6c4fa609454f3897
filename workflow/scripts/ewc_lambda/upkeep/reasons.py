"""Why a file of a study does not stand, in words that name the key, the code or the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ewc_lambda.config.study_config import later_defaults
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import Product
from ewc_lambda.store.provenance import own_files, revision
from ewc_lambda.store.records import file_digest, read_attributes, read_json

_ORIGIN = {
    "data": "other data than those beside it",
    "base_model": "another base model than the one beside it",
    "first_task": "another first task than the one beside it",
    "omega": "another importance than the first task beside it has",
    "weights": "other weights than those of the chosen step",
}


class Reasons:
    """Reasons for the files of one study. Files of one recipe have one reason, found once."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._found: dict[tuple[str, str], str] = {}

    def recipe(self, product: Product, recipe: str) -> str:
        """Why a file of another ``recipe`` than today's is none of today's study."""
        key = product.kind, recipe
        if key not in self._found:
            self._found[key] = self._recipe(product)
        return self._found[key]

    def labels(self, product: Product, expected: Mapping[str, Any]) -> str:
        """In what a file is not the one that its place asks for."""
        attributes = attributes_of(product)
        found = attributes.get("labels", attributes)
        for name, value in expected.items():
            if name == "lambda" and found.get(name) != value:
                # One reason for a whole grid.
                return "trained at another lambda than today's search gives its place"
            if found.get(name) != value:
                return f"its {name} is {found.get(name)}, not {value}"
        return "it is that of another place"

    def origin(self, name: str) -> str:
        """What a file was made from that is not what stands beside it."""
        return f"it was made from {_ORIGIN[name]}"

    def _recipe(self, product: Product) -> str:
        known = attributes_of(product).get("provenance")
        if not known:
            return "made by an earlier version"
        today, made = _with_later(self._files.config_of(product.kind), known["config"])
        changed = [
            f"made with {key}: {_plain(made[key])}, the config says {_plain(value)}"
            for key, value in today.items()
            if key in made and made[key] != value
        ]
        new = [f"made before there was {key}" for key in today if key not in made]
        gone = [f"made with {key}: {_plain(made[key])}" for key in made if key not in today]
        return "; ".join([*changed, *new, *gone]) or self._code(known)

    def _code(self, known: Mapping[str, Any]) -> str:
        for file in own_files(self._files.config):
            before = known.get("trainer_sha256", {}).get(file, known.get("model_sha256"))
            if before != file_digest(file):
                return f"made by another {file}, or by other code"
        made, today = str(known.get("revision")), revision()
        if made == today or "unknown" in (made, today):
            return "made by other code"
        return f"made by other code (git diff {made[:8]} -- workflow/scripts shows what changed)"


def _with_later(*configs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Configs with what one of them leaves out, having its default, and another one says."""
    named = {key for config in configs for key in config}
    left_out = {key: value for key, value in later_defaults().items() if key in named}
    return [{**left_out, **config} for config in configs]


def _plain(value: Any) -> Any:
    """Truth values and nothing as a config has them."""
    return json.dumps(value) if value is None or isinstance(value, bool) else value


def attributes_of(product: Product) -> dict[str, Any]:
    """What a record says of itself, besides its numbers."""
    json_ = product.record.endswith(".json")
    return read_json(product.record) if json_ else read_attributes(product.record)
