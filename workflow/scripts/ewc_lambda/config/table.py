"""The documentation of the config, made from its schema."""

from __future__ import annotations

import json
from typing import Any

from ewc_lambda.config.study_config import allowed, schema

BEGIN = "<!-- made by make config-table from workflow/schemas/config.schema.yaml -->"
END = "<!-- end of the table -->"

PARTS = {
    "study": "Study",
    "seed": "Study",
    "data": "Data and scenario",
    "place": "Data and scenario",
    "model": "Model",
    "training": "Training",
    "files": "Training",
    "jobs": "Training",
    "measures": "Importance",
    "importance": "Importance",
    "search": "Search",
}


def config_table() -> str:
    """All keys as Markdown tables, a section each, in the schema's order."""
    lines: list[str] = []
    section = ""
    for key, entry in schema()["properties"].items():
        if PARTS[entry["part"]] != section:
            section = PARTS[entry["part"]]
            lines += [
                "",
                f"### {section}",
                "",
                "| key | meaning | allowed | default |",
                "|" + "---|" * 4,
            ]
        cells = (f"`{key}`", entry["description"], _cell(allowed(entry)), f"`{_value(entry)}`")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines[1:])


def filled_in(page: str) -> str:
    """A page with what stands between its two marks replaced by the table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{config_table()}\n{END}{after}"


def _value(entry: dict[str, Any]) -> str:
    return json.dumps(entry["default"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("null", "`null`")
