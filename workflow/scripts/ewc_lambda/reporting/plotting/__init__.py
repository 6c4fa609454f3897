"""The figures of a study. Each file draws one: ``extract`` takes the data out of a study, and
``draw`` draws them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ewc_lambda.errors import StudyError
from ewc_lambda.results.study_file import Study

FIGURES = ("measure_over_lambda", "bracket", "curves", "importance")


def draw_figure(name: str, study: Study, paths: Iterable[str | Path]) -> None:
    """Draw a figure of a study and write it to each path, PNG or SVG by its ending.

    Raises:
        StudyError: there is no figure of this name.

    """
    from ewc_lambda.reporting.plotting import (
        bracket,
        curves,
        importance,
        measure_over_lambda,
        style,
    )

    modules: dict[str, Any] = {
        "measure_over_lambda": measure_over_lambda,
        "bracket": bracket,
        "curves": curves,
        "importance": importance,
    }
    if name not in modules:
        raise StudyError(f"{name}: no such figure. Figures are {', '.join(FIGURES)}.")
    with style.style():
        data = modules[name].extract(study)
        style.save(modules[name].draw(data), paths)
