"""The decisions of a search as a table of a study file, a row for each round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ewc_lambda.results.run_tables import Table


def round_table(decisions: Sequence[Mapping[str, Any]]) -> Table:
    """The table ``rounds``: the bracket of each, its best lambda, the bracket that follows, and why
    the search stopped, empty where it goes on.
    """
    nothing = [np.nan, np.nan]
    brackets = np.array([d["bracket"] for d in decisions], dtype=float)
    following = np.array([d["next_bracket"] or nothing for d in decisions], dtype=float)
    optima = [np.nan if d["optimum"] is None else d["optimum"] for d in decisions]
    return {
        "trial": [d["trial"] for d in decisions],
        "importance": [d["importance"] for d in decisions],
        "round": [d["round"] for d in decisions],
        "low": brackets[:, 0],
        "high": brackets[:, 1],
        "optimum": optima,
        "optimum_step": [-1 if d["optimum_step"] is None else d["optimum_step"] for d in decisions],
        "next_low": following[:, 0],
        "next_high": following[:, 1],
        "stop": [d["stop"] or "" for d in decisions],
    }
