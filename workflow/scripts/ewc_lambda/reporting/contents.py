"""The contents of a report: every figure, table and text in its order, with the title it has there.

A figure or a table is an entry here and one file of the same name, in ``plotting`` or in
``tables``; how to read it is its caption in ``workflow/report``. Snakemake reads these entries
whenever it starts, so nothing is imported here that takes time.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple


class Category(NamedTuple):
    """A category of the report: its name, the heading above its titles, and a title for each of
    its entries.
    """

    name: str
    heading: str
    titles: dict[str, str]

    def labels(self) -> dict[str, dict[str, str]]:
        """Labels by entry. Snakemake sorts by them, so their numbers keep the order."""
        numbered = enumerate(self.titles.items(), start=1)
        return {entry: {self.heading: f"{n} {title}"} for n, (entry, title) in numbered}


DRAWN = Category(
    "2 Figures",
    "figure",
    {
        "measure_over_lambda": "measure over lambda",
        "accuracy_over_lambda": "accuracy and forgetting over lambda",
        "regret": "cost of a lambda on a new network",
        "bracket": "bracket over rounds",
        "curves": "loss and accuracy over epochs",
        "importance": "importance measures compared",
    },
)
WRITTEN = (
    Category(
        "1 Answer",
        "table",
        {
            "answer.txt": "answer in words",
            "answer.csv": "answer in numbers",
            "explore.html": "page to explore: point at a run, pick trials",
        },
    ),
    Category(
        "3 Tables",
        "table",
        {
            "tables.html": "all tables, to look at",
            "trials.csv": "trials",
            "lambdas.csv": "lambdas",
            "metrics.csv": "metrics of the field",
            "importance.csv": "importance measures",
            "columns.csv": "what the columns mean",
        },
    ),
    Category(
        "4 Config and provenance",
        "file",
        {"config.yaml": "config", "provenance.yaml": "provenance"},
    ),
)

FIGURES = tuple(DRAWN.titles)
TABLES = tuple(
    PurePath(file).stem for category in WRITTEN for file in category.titles if file.endswith(".csv")
)
