"""Numbers and lines as people read them."""

from __future__ import annotations

import numpy as np


def number(value: float) -> str:
    """Three digits, "none" where there is none."""
    # Adding 0 turns a negative zero into a plain one.
    return "none" if np.isnan(value) else f"{value + 0.0:.3g}"


def line(label: str, text: str) -> str:
    """A line below a headline: what it is about, and what is said."""
    return f"  {label:<15}  {text}"
