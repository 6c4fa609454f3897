"""Names of the user's own as they are drawn: as they were written, cut where they are too long."""

from __future__ import annotations

import bisect
import functools

# The font of the figures, and that of matplotlib which has a box for every letter.
_FONT = "DejaVu Sans"
_BOXES = "Last Resort"
_LONGEST = 500


def drawn(name: str, room: float) -> str:
    """A name as text to draw in a legend: at most ``room`` inches wide, the last letter … where it
    was cut, and dollars as they are, which else begin a formula.

    Letters that the figures' font lacks are drawn in an installed font that has them, and are
    written as code points, U+732B, where none has. Call it while the figures' style is on.
    """
    import matplotlib

    missing = frozenset(letter for letter in name if ord(letter) not in _letters(_FONT))
    if missing:
        other = _font_with(missing)
        if other is None:
            name = "".join(f"U+{ord(c):04X}" if c in missing else c for c in name)
        else:
            matplotlib.rcParams["font.family"] = [_FONT, other]
    return _cut(name, room).replace("$", r"\$")


def _cut(name: str, room: float) -> str:
    # No name of so many letters is narrower than any room here.
    name = name[:_LONGEST]
    if _width(name) <= room:
        return name
    kept = bisect.bisect(range(1, len(name)), room, key=lambda n: _width(f"{name[:n]}…"))
    return f"{name[:kept]}…"


def _width(text: str) -> float:
    """In inches, as a legend has it."""
    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    settings = matplotlib.rcParams
    font = FontProperties(family=settings["font.family"], size=settings["legend.fontsize"])
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72


@functools.cache
def _letters(font: str) -> frozenset[int]:
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(findfont(font)).get_charmap())


@functools.cache
def _font_with(letters: frozenset[str]) -> str | None:
    """The first installed font, by name, that has all of some letters."""
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    wanted = {ord(letter) for letter in letters}
    for font in sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname)):
        if font.name.startswith(_BOXES):
            continue
        try:
            found = FT2Font(font.fname).get_charmap()
        except (OSError, RuntimeError):
            continue  # Listed once, and removed or damaged since.
        if wanted <= found.keys():
            return str(font.name)
    return None
