"""Whether the runs that are compared with each other were computed alike.

Another instruction set rounds otherwise, and training makes much of a last digit. Within a trial,
where common random numbers leave lambda as the only difference, that would be a second one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ewc_lambda.results.study_file import Study

_NAMED = 3
_TABLES = ("first_tasks", "steps", "references")


def mixed_arithmetic(runs: Iterable[tuple[int, str]]) -> str | None:
    """One sentence that names the trials whose runs were not all computed alike, and how; None
    where there is none.

    Args:
        runs: trial and arithmetic of each run, as its provenance says; empty where a run is older
            than that, which counts as no other kind.

    """
    trials: dict[int, Counter[str]] = {}
    for trial, kind in runs:
        if kind:
            trials.setdefault(int(trial), Counter())[kind] += 1
    mixed = {trial: kinds for trial, kinds in sorted(trials.items()) if len(kinds) > 1}
    if not mixed:
        return None
    named = [
        f"trial {trial} ({'; '.join(f'{kind}: {kinds[kind]}' for kind in sorted(kinds))})"
        for trial, kinds in list(mixed.items())[:_NAMED]
    ]
    if len(mixed) > _NAMED:
        named.append(f"{len(mixed) - _NAMED} more")
    return (
        f"Runs of one trial were computed with different arithmetic, in {', '.join(named)}: small "
        f"differences between its lambdas may come from the processors."
    )


def study_arithmetic(study: Study) -> str | None:
    """`mixed_arithmetic` of a study file; None for one that does not say."""
    tables = (study.tables.get(name, {}) for name in _TABLES)
    return mixed_arithmetic(
        (int(trial), str(kind))
        for table in tables
        for trial, kind in zip(table.get("trial", ()), table.get("arithmetic", ()), strict=False)
    )
