"""The summary tables of a study, as data frames with short names of columns, which the table
``columns`` explains, with their units. Each file makes one: ``table`` takes the study and its
answers. Where a number cannot be given its cell is empty and the row says why.

Imports `inference`, `results` and the answers. Start with `trials`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ewc_lambda.reporting.contents import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from ewc_lambda.reporting.answers import Answers
    from ewc_lambda.results.study_file import Study


def make_tables(study: Study, answers: Answers) -> dict[str, pd.DataFrame]:
    """All tables by their names, in the order of the report."""
    return {name: import_module(f"{__name__}.{name}").table(study, answers) for name in TABLES}
