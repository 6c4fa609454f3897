"""The summary tables of a study, as data frames with plain column names and units. Each file makes
one: ``table`` takes the study and its answers. Where a number cannot be given its cell is empty
and the row says why.

Imports `inference`, `results` and the answers. Start with `trials`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ewc_lambda.reporting.contents import TABLES
from ewc_lambda.reporting.tables.cells import UNIT

if TYPE_CHECKING:
    import pandas as pd

    from ewc_lambda.reporting.answers import Answers
    from ewc_lambda.results.study_file import Study


def make_tables(study: Study, answers: Answers) -> dict[str, pd.DataFrame]:
    """All tables by their names, in the order of the report."""
    made = {name: import_module(f"{__name__}.{name}").table(study, answers) for name in TABLES}
    if not study.measured:
        return made
    own = f"({study.measured})"
    return {
        name: table.rename(columns=lambda column: str(column).replace(UNIT, own))
        for name, table in made.items()
    }
