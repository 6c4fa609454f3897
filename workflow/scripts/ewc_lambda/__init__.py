"""The best lambda of Elastic Weight Consolidation, and how sure it is.

These names are for people (docs/python.md). Each is imported when it is first asked for (PEP 562),
so that a job, which asks for none, does not pay for them. Modules of the project import each other
and never this face: what it names is no part of what made a result.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = [
    "Analysis",
    "BestLambda",
    "Comparison",
    "Interval",
    "PairDifference",
    "Resolved",
    "Study",
    "StudyError",
    "analyse",
    "best_lambda",
    "gain",
    "rank_importances",
    "read_study",
    "resolved",
    "riemann_measure",
]

# Where each name lives. Text, so that no tool that follows imports takes them for some.
_HOME = {
    "StudyError": "errors",
    "BestLambda": "inference.best_lambda",
    "Interval": "inference.best_lambda",
    "Resolved": "inference.resolving",
    "best_lambda": "inference.best_lambda",
    "gain": "inference.best_lambda",
    "resolved": "inference.resolving",
    "Comparison": "inference.across_trials",
    "PairDifference": "inference.across_trials",
    "rank_importances": "inference.across_trials",
    "Analysis": "reporting.sweep",
    "analyse": "reporting.sweep",
    "Study": "results.study_file",
    "read_study": "results.study_file",
    "riemann_measure": "search.riemann",
}

if TYPE_CHECKING:
    from ewc_lambda.errors import StudyError
    from ewc_lambda.inference.across_trials import Comparison, PairDifference, rank_importances
    from ewc_lambda.inference.best_lambda import (
        BestLambda,
        Interval,
        best_lambda,
        gain,
    )
    from ewc_lambda.inference.resolving import Resolved, resolved
    from ewc_lambda.reporting.sweep import Analysis, analyse
    from ewc_lambda.results.study_file import Study, read_study
    from ewc_lambda.search.riemann import riemann_measure
else:
    # Out of sight of type checkers, which would take any name for one that this gives.
    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
