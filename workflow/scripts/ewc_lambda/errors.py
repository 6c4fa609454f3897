"""The one exception that stands for a mistake in the user's input."""

from __future__ import annotations


class StudyError(Exception):
    """An error of the user's making: a wrong config value, a missing or a corrupt file.

    Its text is one message that names the key or the file and says what is allowed or what to
    do. Scripts print that message alone: a traceback would tell the user nothing more.
    """
