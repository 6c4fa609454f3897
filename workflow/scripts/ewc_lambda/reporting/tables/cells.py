"""What the tables share: units, and values as cells."""

from __future__ import annotations

from typing import Any

UNIT = "(loss x epochs)"
Row = dict[str, Any]


def interval(name: str, value: Any) -> Row:
    """An interval's estimate and its two ends, each a cell of its own."""
    return {
        name: value.estimate,
        f"{name}_low": value.low,
        f"{name}_high": value.high,
    }


def yes(value: bool) -> str:
    """A truth as a word."""
    return "yes" if value else "no"
