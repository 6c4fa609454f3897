"""Lines of an answer, folded to the width of a terminal."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable
from typing import TextIO

LEAST = 60
"""Columns below which a label would leave its text no room."""


def fitted(lines: Iterable[str], stream: TextIO) -> list[str]:
    """Lines as a terminal shows them whole: what does not fit goes on below where it began. What is
    written to a file or another program stays as it is.
    """
    if not stream.isatty():
        return list(lines)
    columns = max(shutil.get_terminal_size().columns, LEAST)
    return [part for line in lines for part in _folded(line, columns)]


def _folded(line: str, columns: int) -> list[str]:
    # A label and its text, or what a line begins with.
    found = re.match(r"  \S.{14}  (?=\S)| *", line)
    indent = " " * (len(found[0]) if found else 0)
    return textwrap.wrap(
        line,
        columns,
        subsequent_indent=indent or "  ",
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [line]
