"""Figure: importance measures compared, at their best lambdas, with the best lambda of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ewc_lambda.reporting.answers import answer_study
from ewc_lambda.reporting.plotting import style
from ewc_lambda.reporting.plotting.panels import x_limits
from ewc_lambda.results.study_file import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Row:
    """One importance measure: its measure at the best lambda, the difference to the best importance
    measure, its possible ranks (None: no rank), and its best lambda, each with interval; nan where
    there is none.
    """

    importance: str
    measure: float
    difference: float
    low: float
    high: float
    tied: bool
    ranks: tuple[int, int] | None
    best: float
    best_low: float
    best_high: float
    open_low: bool
    open_high: bool
    resolved: bool


@dataclass(frozen=True)
class Importances:
    """What the figure shows: rows from the lowest measure to the highest, compared over ``n``
    units (trials or replicates), and the ends of all lambdas that were searched.
    """

    rows: tuple[Row, ...]
    log: bool
    searched: tuple[float, float]
    n: int
    unit: str
    reason: str
    label: str


def extract(study: Study) -> Importances:
    """The comparison of a study's importance measures."""
    answers = answer_study(study)
    comparison = answers.comparison
    by_name = {answer.importance: answer for answer in answers}
    to_best = {d.second: d for d in comparison.differences if d.first in comparison.names[:1]}
    ranks = {
        name: (mean, (low, high))
        for name, mean, low, high in zip(
            comparison.names,
            comparison.means,
            comparison.rank_low,
            comparison.rank_high,
            strict=True,
        )
    }
    unranked = {each.name: each.mean for each in comparison.unranked}
    reference = (comparison.means or tuple(unranked.values()))[0]
    rows = []
    for name in (*comparison.names, *unranked):
        answer = by_name[name]
        pair = to_best.get(name)
        measure, rank = ranks.get(name, (unranked.get(name, np.nan), None))
        best = answer.best
        low, high, open_low, open_high = best.low, best.high, best.open_low, best.open_high
        if len(answer.trials) == 1:
            # One trial: the interval is that of the trial, over its replicates.
            own = answer.trials[0].best
            low, high = own.low, own.high
            open_low = bool(np.isfinite(low)) and not own.bounded_low
            open_high = bool(np.isfinite(high)) and not own.bounded_high
        rows.append(
            Row(
                name,
                measure,
                measure - reference if pair is None else -pair.mean,
                np.nan if pair is None else -pair.high,
                np.nan if pair is None else -pair.low,
                name in comparison.tied_with_best,
                rank,
                best.estimate,
                low,
                high,
                open_low,
                open_high,
                answer.resolved.resolved,
            )
        )
    lambdas = study.steps["lambda"]
    measured, first = study.measured, rows[0].importance
    return Importances(
        tuple(rows),
        study.log,
        (float(lambdas.min()), float(lambdas.max())),
        comparison.n,
        answers.compared_over,
        comparison.reason,
        f"{measured}, minus that of {first}"
        if measured
        else f"measure minus that of {first} {style.UNIT}",
    )


def draw(data: Importances) -> Figure:
    """Draw the comparison: differences to the best at the left, best lambdas at the right."""
    count = len(data.rows)
    figure = style.new_figure(style.WIDE, 0.3 * count + 1.05)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.25, 1])
    for number, row in enumerate(data.rows):
        _draw_row(left, right, number, row, alone=count == 1)
    left.axvline(0, color=style.GREY, linewidth=0.6, zorder=1)
    left.set_yticks(range(count), [row_label(row, data) for row in data.rows])
    left.set_xlabel(data.label)
    if count == 1:
        left.set_xlabel("one importance measure: nothing to compare")
        left.set_xticks([0])
    style.lambda_axis(right, data.log)
    right.set_xlim(*x_limits(np.array(data.searched), data.log))
    right.set_xlabel("best " + right.get_xlabel())
    left.set_ylim(count - 0.4, -0.6)
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
    _legend(figure, data)
    return figure


def row_label(row: Row, data: Importances) -> str:
    """Name, measure and possible ranks of a row."""
    measure = style.short(row.measure) if np.isfinite(row.measure) else "diverged"
    if row.ranks is None:
        return f"{row.importance}\nmeasure {measure}, no rank"
    if len(data.rows) == 1 or data.reason:
        return f"{row.importance}\nmeasure {measure}"
    low, high = row.ranks
    rank = f"rank {low}" if low == high else f"rank {low} to {high}"
    return f"{row.importance}\nmeasure {measure}, {rank}"


def _draw_row(left: Axes, right: Axes, number: int, row: Row, alone: bool) -> None:
    colour = style.COLOURS[0] if row.tied or alone else style.COLOURS[1]
    if row.ranks is None:
        colour = style.GREY
    face = colour if not row.tied or number == 0 else "white"
    left.plot(row.difference, number, "o", color=colour, markerfacecolor=face, zorder=3)
    if np.isfinite([row.low, row.high]).all():
        left.plot([row.low, row.high], [number, number], color=colour)
    if np.isfinite([row.best_low, row.best_high]).all():
        right.plot([row.best_low, row.best_high], [number, number], color=colour)
    for is_open, end, marker in (
        (row.open_low, row.best_low, "<"),
        (row.open_high, row.best_high, ">"),
    ):
        if is_open:
            right.plot(end, number, marker, color=colour, markersize=4)
    if row.resolved:
        right.plot(row.best, number, "*", color=colour, markersize=7, zorder=3)
    else:
        right.plot(row.best, number, "o", color=colour, markerfacecolor="white", zorder=3)


def _legend(figure: Figure, data: Importances) -> None:
    from matplotlib.lines import Line2D

    def entry(marker: str, colour: str, label: str, filled: bool = True) -> Line2D:
        face = colour if filled else "white"
        size = 7 if marker == "*" else 4
        entry = Line2D([], [], color=colour, linestyle="none", label=label)
        entry.set(marker=marker, markersize=size, markerfacecolor=face)
        return entry

    handles = []
    if len(data.rows) > 1 and not data.reason:
        handles.append(entry("o", style.COLOURS[0], "tied with the best", False))
        if not all(row.tied for row in data.rows if row.ranks):
            handles.append(entry("o", style.COLOURS[1], "worse than the best"))
    if any(row.ranks is None for row in data.rows):
        handles.append(entry("o", style.GREY, "no rank: best at an end of the range"))
    said = {row.resolved for row in data.rows}
    if True in said:
        handles.append(entry("*", style.GREY, "best λ, resolved"))
    if False in said:
        handles.append(entry("o", style.GREY, "best λ, not resolved", False))
    unit = f"{data.n} {data.unit}s" if data.n > 1 else f"one {data.unit}"
    note = f"paired over {unit}; bars: 95% intervals, those of the differences hold all at once"
    if data.reason:
        note = f"no intervals of differences: {data.reason}"
    figure.legend(handles=handles, loc="outside upper center", ncols=4, title=note)
