"""Exceptions that stand for a mistake in the user's input, or for a file that is not what was
written.
"""

from __future__ import annotations

from pathlib import Path


class StudyError(Exception):
    """An error of the user's making: a wrong config value, a missing or a corrupt file.

    Its text is one message that names the key or the file and says what is allowed or what to
    do. Scripts print that message alone: a traceback would tell the user nothing more.
    """


class BrokenFileError(StudyError):
    """A file of results that is not what was written. ``path`` is the file."""

    def __init__(self, path: str | Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path = Path(path)
