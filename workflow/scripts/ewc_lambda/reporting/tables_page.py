"""The tables and the origin of a study as files that a person reads."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import pandas as pd
import yaml

from ewc_lambda.reporting.tables.columns import meaning_of
from ewc_lambda.results.study_file import Study

MOST_COLUMNS = 12
"""So many short columns fit the width of a page."""

_STYLE = """\
body { font: 14px sans-serif; margin: 1em; }
div { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #ccc; padding: 0.3em 0.6em; text-align: right; }
th { vertical-align: bottom; min-width: 4em; }
tr > :first-child, tr > .text { text-align: left; }
"""


def tables_page(name: str, tasks: Sequence[str], tables: Mapping[str, pd.DataFrame]) -> str:
    """All tables of a study on one HTML page, numbers with four digits, and the names of its tasks,
    which figures cut where they are long. A table of more columns than rows is turned round, with
    the meaning of each; it would not fit a page.
    """
    named = pd.DataFrame({"task": range(1, len(tasks) + 1), "name": tasks})
    parts = [f"<h1>Study {html.escape(name)}</h1>"]
    for title, table in {**tables, "tasks": named}.items():
        # A column that says nothing is no help to a reader; the CSV has it.
        shown = table.loc[:, [not _is_empty(table[column]) for column in table]]
        if len(shown.columns) > max(len(shown), MOST_COLUMNS):
            shown = _turned(title, shown)
        # Else pandas cuts what is longer than 50 letters.
        with pd.option_context("display.max_colwidth", None):
            rows = shown.to_html(index=False, border=0, na_rep="", float_format="{:.4g}".format)
        parts.append(f"<h2>{html.escape(title)}</h2>\n<div>{rows}</div>")
    head = f'<meta charset="utf-8"><title>{html.escape(name)}</title><style>{_STYLE}</style>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _turned(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A row for each column, with its meaning."""
    rows = table.map(lambda v: f"{v:.4g}" if isinstance(v, float) and pd.notna(v) else v).T
    rows.columns = pd.Index([" " * number for number in range(1, len(table) + 1)])
    meanings = [meaning_of(name, str(column)) for column in table]
    return rows.reset_index(names="column").assign(meaning=meanings)


def config_text(study: Study) -> str:
    """The study's config with every default filled in, as YAML that Snakemake takes."""
    head = f"# Study {study.name}, every key. Again: snakemake --cores all --configfile FILE\n"
    return head + yaml.safe_dump(study.config, default_flow_style=None, allow_unicode=True)


def provenance_text(study: Study) -> str:
    """What made the study, as YAML: the digest of its raw results and of the code, the revision,
    versions, and the instruction set.
    """
    origin = dict(study.attributes.get("provenance", {}))
    # The config is in a file of its own.
    origin.pop("config", None)
    said = {"study": study.name, "study_file_sha256": study.attributes["sha256"], **origin}
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True)


def _is_empty(column: pd.Series) -> bool:
    return bool((column.isna() | (column.astype(str) == "")).all())
