"""What several figures share: a grid of panels, each with a strip of best lambdas below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.reporting.answers import ImportanceAnswer
from ewc_lambda.reporting.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Pair = tuple["Axes", "Axes"]

SPREAD = 8.0
"""From this ratio of the highest measure to the lowest on, the axis of measures is logarithmic."""


def columns_of(panels: int) -> int:
    """Panels side by side: one in a column of a paper, two or three over the whole width."""
    return 1 if panels == 1 else 2 if panels in (2, 4) else 3


def panel_grid(panels: int, trials: int) -> tuple[Figure, list[Pair]]:
    """A figure with pairs of axes of one horizontal axis: a main one and a strip below it."""
    columns = columns_of(panels)
    rows = -(-panels // columns)
    main = 2.1 if columns == 1 else 1.6
    strip = strip_height(trials)
    width = style.ONE_COLUMN if columns == 1 else style.WIDE
    figure = style.new_figure(width, rows * (main + strip + 0.35) + 0.65)
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[main, strip] * rows)
    pairs = []
    for number in range(panels):
        row, column = divmod(number, columns)
        axes = figure.add_subplot(grid[2 * row, column])
        pairs.append((axes, figure.add_subplot(grid[2 * row + 1, column], sharex=axes)))
    figure.get_layout_engine().set(h_pad=0.03, hspace=0.02)  # type: ignore[union-attr,call-arg]
    return figure, pairs


def label_outer(number: int, panels: int) -> tuple[bool, bool]:
    """Whether a panel is the leftmost of its row, and the lowest of its column: names of axes
    stand there alone.
    """
    columns = columns_of(panels)
    return number % columns == 0, number + columns >= panels


def strip_height(trials: int) -> float:
    """Height in inches of the strip of best lambdas."""
    return 0.16 if trials == 1 else min(0.14 * (trials + 1), 1.15)


def best_rows(axes: Axes, answer: ImportanceAnswer, trials: tuple[int, ...]) -> None:
    """A row for the best lambda of each of the study's trials and one for the lambda to use: its
    interval as a bar, open at an end that the data do not bound; a star if it is resolved, an open
    circle if not.
    """
    few = len(trials) <= style.FEW
    size = 5.5 if few else 4.0
    for trial in answer.trials:
        best, number = trial.best, trials.index(trial.trial)
        colour = style.trial_look(number, len(trials))["color"] if few else style.GREY
        _bar(axes, number, best.low, best.high, colour, 1.1 if few else 0.8)
        for bounded, end, marker in (
            (best.bounded_low, best.low, "<"),
            (best.bounded_high, best.high, ">"),
        ):
            if np.isfinite(end):
                # A narrow interval would hide behind its star without the ends.
                shape, length = ("|", 5) if bounded else (marker, 3)
                axes.plot(
                    end, number, shape, color=colour, markersize=length, clip_on=bool(bounded)
                )
        look = style.optimum_look(trial.resolved.resolved, colour, size)
        axes.plot(best.estimate, number, zorder=3, **{**look, "markeredgewidth": 0.4})
    if len(trials) > 1:
        at, use = len(trials) + (0.0 if few else 0.8), answer.recommendation.use
        # An interval of a minimum that is none: dashed.
        dashes = "-" if answer.resolved.resolved else (0, (1.5, 1))
        _bar(axes, at, use.low, use.high, style.BLACK, 1.8, dashes)
        for is_open, end, marker in (
            (use.open_low, use.low, "<"),
            (use.open_high, use.high, ">"),
        ):
            if is_open and np.isfinite(end):
                axes.plot(end, at, marker, color=style.BLACK, markersize=3)
        look = style.optimum_look(answer.resolved.resolved, "white", 7)
        if not answer.resolved.resolved:
            look["markerfacecolor"] = "white"
        axes.plot(use.estimate, at, zorder=3, **look)
        axes.set_yticks([at], ["to use"])
        axes.set_ylim(at + 0.8, -0.7)
    else:
        axes.set_yticks([])
        axes.set_ylim(0.7, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _bar(
    axes: Axes, row: float, low: float, high: float, colour: Any, width: float, dashes: Any = "-"
) -> None:
    if np.isfinite([low, high]).all():
        look = {"color": colour, "linewidth": width, "linestyle": dashes}
        axes.plot([low, high], [row, row], solid_capstyle="butt", **look)


def x_limits(lambdas: Floats, log: bool) -> tuple[float, float]:
    """Limits that show all lambdas with some room; intervals that reach further are cut there."""
    low, high = float(lambdas.min()), float(lambdas.max())
    if log:
        room = (high / low) ** 0.05 if high > low else 2.0
        return low / room, high * room
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def y_limits(
    means: Floats, lines: Floats, ends: Floats | None = None
) -> tuple[bool, tuple[float, float] | None]:
    """Whether the axis of measures is logarithmic, and its limits; None to leave them be.

    ``ends`` are those of the error bars. On a logarithmic axis low ones are no limit: a bar may
    reach below 0.
    """
    values = np.concatenate([means, lines])
    values = values[np.isfinite(values)]
    if not values.size:
        return False, None
    low, high = float(values.min()), float(values.max())
    log = low > 0 and high / low > SPREAD
    if ends is not None and np.isfinite(ends).any():
        low = low if log else min(low, float(np.nanmin(ends)))
        high = max(high, float(np.nanmax(ends)))
    if log:
        room = (high / low) ** 0.06
        return True, (low / room, high * room**1.5)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return False, (low - room, high + 1.5 * room)
