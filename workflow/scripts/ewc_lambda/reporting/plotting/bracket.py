"""Figure: how the bracket of each trial narrows from round to round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.inference.replicates import usable
from ewc_lambda.reporting.plotting import style
from ewc_lambda.reporting.plotting.panels import columns_of, label_outer
from ewc_lambda.results.study_file import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Round:
    """The grid of one round: rising lambdas (S,), which of them diverged (S,), and the step of
    lowest mean measure, nan where all diverged.
    """

    trial: int
    round: int
    lambdas: Floats
    diverged: NDArray[np.bool_]
    optimum: float

    @property
    def bracket(self) -> tuple[float, float]:
        """Lowest and highest lambda of the round."""
        return float(self.lambdas[0]), float(self.lambdas[-1])


@dataclass(frozen=True)
class Brackets:
    """What the figure shows: the rounds of each importance measure."""

    panels: dict[str, tuple[Round, ...]]
    trials: tuple[int, ...]
    log: bool


def extract(study: Study) -> Brackets:
    """The rounds of every search of a study."""
    panels = {}
    for importance in study.importances:
        rows = study.steps[study.steps["importance"] == importance]
        rounds = []
        for trial, number in sorted(set(zip(rows["trial"], rows["round"], strict=True))):
            steps = rows[(rows["trial"] == trial) & (rows["round"] == number)]
            ordered = steps.sort_values("lambda")
            lambdas = ordered["lambda"].to_numpy(dtype=float)
            measures = study.measures(ordered).T
            best = study.lowest(measures)
            optimum = np.nan if best is None else float(lambdas[best])
            rounds.append(Round(int(trial), int(number), lambdas, ~usable(measures), optimum))
        panels[importance] = tuple(rounds)
    return Brackets(panels, tuple(study.trials), study.log)


def draw(data: Brackets) -> Figure:
    """Draw the brackets: a panel for each importance measure, rounds from top to bottom."""
    count, trials = len(data.panels), len(data.trials)
    rounds = 1 + max(each.round for panel in data.panels.values() for each in panel)
    columns = columns_of(count)
    rows = -(-count // columns)
    # Enough room for the trials of a round, one below the other.
    height = max(rounds * (0.16 + min(0.1 * trials, 1.2)), 0.7)
    width = style.ONE_COLUMN if columns == 1 else style.WIDE
    figure = style.new_figure(width, rows * (height + 0.5) + 0.5)
    all_axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for number, (importance, panel) in enumerate(data.panels.items()):
        axes = all_axes[number]
        left, lowest = label_outer(number, count)
        _draw_panel(axes, panel, data, rounds)
        style.lambda_axis(axes, data.log)
        if left:
            axes.set_ylabel("round")
        if not lowest:
            axes.set_xlabel("")
        if count > 1:
            axes.set_title(importance)
    for axes in all_axes[count:]:
        axes.remove()
    _legend(figure, data)
    return figure


def _draw_panel(axes: Axes, panel: tuple[Round, ...], data: Brackets, rounds: int) -> None:
    count = len(data.trials)
    lane = 0.84 / count
    for each in panel:
        number = data.trials.index(each.trial)
        colour = style.trial_look(number, count)["color"]
        y = each.round + lane * (number - (count - 1) / 2)
        axes.plot(each.bracket, [y, y], color=colour, linewidth=0.8)
        usable = each.lambdas[~each.diverged]
        lost = each.lambdas[each.diverged]
        few = count <= style.FEW
        dark = colour if few else style.GREY
        axes.plot(usable, np.full(len(usable), y), "|", color=colour, markersize=3.5 if few else 2)
        axes.plot(lost, np.full(len(lost), y), "x", color=dark, markersize=3.5 if few else 2.5)
        axes.plot(each.optimum, y, "o", color=dark, markersize=4 if few else 2.5, zorder=3)
    for edge in np.arange(1, rounds) - 0.5:
        axes.axhline(edge, color=style.LIGHT_GREY, linewidth=0.5)
    axes.set_yticks(range(rounds))
    axes.set_ylim(rounds - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def _legend(figure: Figure, data: Brackets) -> None:
    from matplotlib.lines import Line2D

    grey = style.GREY
    handles = []
    if 1 < len(data.trials) <= style.FEW:
        for number, trial in enumerate(data.trials):
            colour = style.trial_look(number, len(data.trials))["color"]
            handles.append(Line2D([], [], color=colour, label=f"trial {trial}"))
    handles += [
        Line2D([], [], color=grey, marker="|", linewidth=0.8, label="bracket, steps"),
        Line2D([], [], color=grey, marker="o", linestyle="none", label="lowest measure"),
    ]
    if any(each.diverged.any() for panel in data.panels.values() for each in panel):
        handles.append(Line2D([], [], color=grey, marker="x", linestyle="none", label="diverged"))
    columns = 3 if figure.get_figwidth() < style.WIDE else 7
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)
