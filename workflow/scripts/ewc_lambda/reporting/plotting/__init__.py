"""The figures of a study. Each file draws one: ``extract`` takes the data out of a study, and
``draw`` draws them.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ewc_lambda.errors import StudyError
from ewc_lambda.reporting.contents import FIGURES

if TYPE_CHECKING:
    from ewc_lambda.results.study_file import Study

__all__ = ["FIGURES", "draw_figure"]


def draw_figure(name: str, study: Study, paths: Iterable[str | Path]) -> None:
    """Draw a figure of a study and write it to each path, PNG or SVG by its ending.

    Raises:
        StudyError: there is no figure of this name.

    """
    from ewc_lambda.reporting.plotting import style

    if name not in FIGURES:
        raise StudyError(f"{name}: no such figure. Figures are {', '.join(FIGURES)}.")
    module = import_module(f"{__name__}.{name}")
    with style.style():
        style.save(module.draw(module.extract(study)), paths)
