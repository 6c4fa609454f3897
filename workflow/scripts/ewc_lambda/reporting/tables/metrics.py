"""Table: the metrics of the field."""

from __future__ import annotations

import pandas as pd

from ewc_lambda.reporting.answers import Answers
from ewc_lambda.reporting.field_metrics import metric_rows
from ewc_lambda.results.study_file import Study


def table(study: Study, answers: Answers) -> pd.DataFrame:
    """One row per line, metric and split, of each trial and over trials."""
    return pd.DataFrame(metric_rows(study))
