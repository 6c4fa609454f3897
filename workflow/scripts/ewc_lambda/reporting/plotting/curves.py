"""Figure: loss and accuracy of every task over the epochs, without penalty, at the best lambda and
at the largest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.reporting.plotting import style
from ewc_lambda.reporting.plotting.names import drawn
from ewc_lambda.results.study_file import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

LOG_FROM = 30.0
"""From this ratio of the highest mean loss to the lowest on, the axis of losses is logarithmic."""


# Of the legend.
_COLUMNS = 4


@dataclass(frozen=True)
class Column:
    """Curves at one lambda per trial, of all trials and replicates (n, evaluations, tasks)."""

    title: str
    lambdas: tuple[float, ...]
    loss: Floats
    accuracy: Floats


@dataclass(frozen=True)
class Curves:
    """What the figure shows: the columns of each importance measure, epochs of the evaluations
    (evaluations,), and the epochs at which a task gives way to the next.
    """

    blocks: dict[str, tuple[Column, ...]]
    tasks: tuple[str, ...]
    epochs: Floats
    boundaries: tuple[float, ...]
    trials: int
    replicates: tuple[int, int]
    split: str


def extract(study: Study) -> Curves:
    """The curves of a study; no blocks where the file holds none."""
    tasks, per_epoch = tuple(study.tasks), int(study.config["evaluations_per_epoch"])
    count = len(tasks) * study.evaluations_per_task + 1
    blocks = {}
    if "loss" in study.tables.get("steps", {}):
        for importance in study.importances:
            columns = _columns(study, importance)
            if columns:
                blocks[importance] = columns
    return Curves(
        blocks,
        tasks,
        np.arange(count) / per_epoch,
        tuple(float(study.epochs_per_task * task) for task in range(1, len(tasks))),
        len(study.trials),
        study.replicate_range,
        str(study.config["selection_split"]),
    )


def _columns(study: Study, importance: str) -> tuple[Column, ...]:
    columns = []
    lines = study.references
    if not lines.empty:
        zero = (lines["reference"] == "finetuning") & ~lines["diverged"].astype(bool)
        columns.append(("references", np.flatnonzero(zero).tolist(), "λ = 0"))
    best, largest = [], []
    for trial in study.trials:
        steps = study.steps
        rows = steps[(steps["trial"] == trial) & (steps["importance"] == importance)]
        rows = rows[~rows["diverged"].astype(bool)]
        lowest = study.best_row(rows)
        if lowest is None:
            continue
        best.append(lowest)
        largest.append(int(rows.index.to_numpy()[rows["lambda"].to_numpy().argmax()]))
    columns += [("steps", best, "best λ"), ("steps", largest, "largest λ")]
    return tuple(_column(study, table, found, name) for table, found, name in columns if found)


def _column(study: Study, table: str, rows: list[int], name: str) -> Column:
    lambdas = tuple(float(study.tables[table]["lambda"][row]) for row in rows)
    loss, accuracy = (
        np.concatenate([study.curves(table, row, what) for row in rows])
        for what in ("loss", "accuracy")
    )
    return Column(name, lambdas, loss, accuracy)


def column_title(column: Column) -> str:
    """Name of a column with its lambda, or with the range of its lambdas over trials."""
    if not any(column.lambdas):
        return column.title
    low, high = min(column.lambdas), max(column.lambdas)
    if low == high:
        return f"{column.title} = {style.short(low)}"
    return f"{column.title}: {style.short(low)} to {style.short(high)}"


def draw(data: Curves) -> Figure:
    """Draw the curves: two rows, loss and accuracy, for each importance measure."""
    if not data.blocks:
        return style.empty_figure("This study file holds no curves over epochs.")
    shown = ["loss"]
    if any(np.isfinite(c.accuracy).any() for block in data.blocks.values() for c in block):
        shown.append("accuracy")
    columns = max(len(block) for block in data.blocks.values())
    rows = len(shown) * len(data.blocks)
    figure = style.new_figure(style.WIDE, 1.25 * rows + 0.3 * len(data.blocks) + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey="row")
    for number, (importance, block) in enumerate(data.blocks.items()):
        for offset, name in enumerate(shown):
            line = grid[number * len(shown) + offset]
            _draw_row(line, block, name, data)
            label = "task loss" if name == "loss" else "accuracy"
            line[0].set_ylabel(f"{importance}\n{label}" if len(data.blocks) > 1 else label)
            if offset == 0:
                for axes, column in zip(line, block, strict=False):
                    axes.set_title(column_title(column))
    for axes in grid[-1]:
        axes.set_xlabel("epochs")
        axes.xaxis.get_major_locator().set_params(integer=True)
    _legend(figure, data)
    return figure


def _draw_row(
    line: NDArray[np.object_], block: tuple[Column, ...], name: str, data: Curves
) -> None:
    means = np.concatenate([getattr(column, name).mean(axis=0).ravel() for column in block])
    positive = means[np.isfinite(means) & (means > 0)]
    if name == "loss" and positive.size and positive.max() > LOG_FROM * positive.min():
        line[0].set_yscale("log")
    for axes, column in zip(line, block, strict=False):
        _draw_curves(axes, getattr(column, name), data)
    for axes in line[len(block) :]:
        axes.set_axis_off()


def _draw_curves(axes: Axes, values: Floats, data: Curves) -> None:
    for boundary in data.boundaries:
        axes.axvline(boundary, color=style.GREY, linewidth=0.6, linestyle=":")
    for task in range(len(data.tasks)):
        colour = style.COLOURS[task % len(style.COLOURS)]
        each = values[:, :, task]
        mean = each.mean(axis=0)
        if len(each) > 1:
            low, high = each.min(axis=0), each.max(axis=0)
            axes.fill_between(data.epochs, low, high, color=colour, alpha=0.2, linewidth=0)
        # A task counts from the epoch it is introduced in; before that its line is dashed.
        start = int(np.searchsorted(data.epochs, (0.0, *data.boundaries)[task]))
        axes.plot(
            data.epochs[: start + 1], mean[: start + 1], color=colour, linestyle=(0, (2, 1.5))
        )
        axes.plot(data.epochs[start:], mean[start:], color=colour)
    axes.margins(x=0.01)


def _legend(figure: Figure, data: Curves) -> None:
    from matplotlib.lines import Line2D

    # Of each column, without the line before a name and the space around both.
    room = 0.94 * style.WIDE / min(len(data.tasks) + 1, _COLUMNS) - 0.36
    handles = [
        Line2D(
            [],
            [],
            color=style.COLOURS[k % len(style.COLOURS)],
            label=drawn(f"task {k + 1}: {name}", room),
        )
        for k, name in enumerate(data.tasks)
    ]
    if len(data.tasks) > 1:
        dashes = (0, (2, 1.5))
        handles.append(
            Line2D([], [], color=style.GREY, linestyle=dashes, label="before its training")
        )
    what = f"{style.span(*data.replicates)} replicates"
    if data.replicates[1] == 1:
        what = f"{data.trials} trials"
    elif data.trials > 1:
        what = f"all {what} of {data.trials} trials"
    note = f"on the {data.split} split"
    if data.trials * data.replicates[1] > 1:
        note += f"; line: mean, band: lowest to highest of {what}"
    figure.legend(
        handles=handles, loc="outside upper center", ncols=min(len(handles), _COLUMNS), title=note
    )
