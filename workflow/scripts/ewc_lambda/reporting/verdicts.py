"""Which trials of a study are resolved: those of one design know of each other's noise."""

from __future__ import annotations

from collections.abc import Sequence

from ewc_lambda.inference import unpaired
from ewc_lambda.inference.resolving import Resolved, resolved_trials
from ewc_lambda.results.searches import Search
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.later_trials import is_later
from ewc_lambda.search.looks import LEVEL


def verdicts(study: Study, found: Sequence[Search]) -> list[Resolved]:
    """The verdict of each search of an importance measure. First trials and later ones, which have
    other lambdas, say nothing of each other.
    """
    if not study.paired:
        return [unpaired.resolved(s.lambdas, s.measures, LEVEL) for s in found]
    said: dict[int, Resolved] = {}
    for later in (False, True):
        own = [search for search in found if is_later(study.config, search.trial) == later]
        lambdas, measures = [s.wide_lambdas for s in own], [s.wide_measures for s in own]
        each = resolved_trials(lambdas, measures, LEVEL)
        said |= {search.trial: verdict for search, verdict in zip(own, each, strict=True)}
    return [said[search.trial] for search in found]
