"""One look for all figures, and files that are the same bytes whenever they are drawn again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ewc_lambda.store.replacing import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ONE_COLUMN = 3.5
"""Width of a figure in one column of a paper, in inches."""

WIDE = 7.0
"""Width of a figure over two columns, in inches."""

# Okabe and Ito's palette, told apart with any colour vision (https://jfly.uni-koeln.de/color/).
BLACK, GREY, LIGHT_GREY = "#000000", "#7f7f7f", "#c4c4c4"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D", "v", "P")

TIMES = "\N{MULTIPLICATION SIGN}"
UNIT = f"(loss {TIMES} epochs)"
MEASURE_LABEL = f"measure {UNIT}"
LAMBDA_LABEL = "λ"

FEW = 6
"""Up to this many trials each has a colour of its own; more are thin grey lines."""

_SETTINGS: dict[str, Any] = {
    # The font that matplotlib brings with it: the same shapes on every machine.
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 6.8,
    "legend.title_fontsize": 6.8,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
    "legend.labelspacing": 0.3,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.2,
    "errorbar.capsize": 1.6,
    "axes.formatter.useoffset": False,
    "figure.dpi": 100,
    "savefig.dpi": 300,
    # Letters as outlines, so that an SVG looks the same where the font is missing; and a fixed
    # salt in place of random identifiers.
    "svg.fonttype": "path",
    "svg.hashsalt": "ewc-lambda",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save inside this block: the study's look, whatever the user's own settings are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, value in _SETTINGS.items():
            matplotlib.rcParams[name] = value  # type: ignore[index]
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, whose parts make room for each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Write a figure to each path, PNG or SVG by its ending, without date or program version. Its
    parts make room for each other in the first file, and stand at the same places in the others.
    """
    for path in map(Path, paths):
        kind = path.suffix[1:].lower()
        metadata: dict[str, Any] = {
            "png": {"Software": None},
            "svg": {"Date": None, "Creator": None},
        }
        with replacing(path) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata.get(kind))
        # Making room takes as long as drawing.
        figure.set_layout_engine("none")


def empty_figure(reason: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure = new_figure(ONE_COLUMN, 1.2)
    figure.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, color=GREY)
    return figure


def trial_look(number: int, count: int) -> dict[str, Any]:
    """Colour, marker and width of line of the number-th of so many trials."""
    if count > FEW:
        return {"color": LIGHT_GREY, "linewidth": 0.6, "zorder": 1.5}
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def lambda_axis(axes: Axes, log: bool) -> None:
    """Give the horizontal axis of lambda its scale and its name."""
    if log:
        axes.set_xscale("log")
    axes.set_xlabel(f"{LAMBDA_LABEL} ({'log' if log else 'linear'} scale)")


def span(fewest: int, most: int) -> str:
    """A number of replicates, or the range of them that a race left."""
    return str(most) if fewest == most else f"{fewest} to {most}"


def short(value: float) -> str:
    """A number as text with three digits: 0.0123, 12.0, 1230, 1.23×10⁴."""
    if value == 0:
        return "0"
    digits, _, power = f"{value:.2e}".partition("e")
    rounded, exponent = float(f"{digits}e{power}"), int(power)
    if -3 <= exponent < 4:
        return f"{rounded:.{max(2 - exponent, 0)}f}"
    superscript = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits}{TIMES}10{superscript}"


def optimum_look(resolved: bool, colour: str, size: float = 9) -> dict[str, Any]:
    """A star where a minimum is resolved, an open circle where it is not."""
    shared = {"linestyle": "none", "markeredgecolor": BLACK, "markeredgewidth": 0.6}
    if resolved:
        return {**shared, "marker": "*", "markersize": size, "markerfacecolor": colour}
    return {**shared, "marker": "o", "markersize": 0.7 * size, "markerfacecolor": "none"}
