"""Data that a trainer of the user's own brings: the study knows the names of its tasks alone."""

from __future__ import annotations

from ewc_lambda.data.sources.base import DatasetInfo
from ewc_lambda.errors import StudyError

OWN = DatasetInfo(name="own", task="names", load=None, images=None)


def check_names(entries: list[object]) -> None:
    """StudyError unless the tasks are names that differ."""
    for place, entry in enumerate(entries):
        if not isinstance(entry, str | int) or isinstance(entry, bool) or str(entry) == "":
            raise StudyError(
                f"tasks[{place}]: {entry!r} is no name. Allowed with data set own: a name per "
                f"task, as [first, second]"
            )
    names = list(map(str, entries))
    for place, name in enumerate(names):
        if name in names[:place]:
            raise StudyError(f"tasks[{place}]: {name} is the name of another task, too")
