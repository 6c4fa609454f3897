"""Figure: what every lambda costs on a new network against that network's own best one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.inference.regret import RegretCurve
from ewc_lambda.reporting.answers import answer_importance
from ewc_lambda.reporting.plotting import style
from ewc_lambda.reporting.plotting.panels import columns_of, label_outer
from ewc_lambda.reporting.recommendation import SHARES
from ewc_lambda.results.study_file import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIGHEST = 0.6
"""Regret up to which the axis reaches: more is too much, however much it is."""


@dataclass(frozen=True)
class Panel:
    """One importance measure: the regret over lambda, the lambda to use, resolved or not."""

    importance: str
    curve: RegretCurve
    use: Interval
    resolved: bool
    reason: str


@dataclass(frozen=True)
class Regrets:
    """What the figure shows."""

    panels: tuple[Panel, ...]
    trials: int
    log: bool


def extract(study: Study) -> Regrets:
    """The regret over lambda of every importance measure of a study."""
    panels = []
    for name in study.importances:
        answer = answer_importance(study, name)
        found = answer.recommendation
        said = answer.resolved.resolved
        reason = found.tolerances[0].reason
        panels.append(Panel(name, found.curve, found.use, said, reason))
    return Regrets(tuple(panels), len(study.trials), study.log)


def draw(data: Regrets) -> Figure:
    """Draw the regret over lambda, a panel for each importance measure."""
    shown = [panel for panel in data.panels if panel.curve.lambdas.size]
    if not shown:
        return style.empty_figure(f"no regret: {data.panels[0].reason}")
    columns = columns_of(len(shown))
    rows = -(-len(shown) // columns)
    width = style.ONE_COLUMN if columns == 1 else style.WIDE
    figure = style.new_figure(width, rows * (2.1 if columns == 1 else 1.6) + 0.6)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for number, axes in enumerate(grid.flat):
        if number >= len(shown):
            axes.set_visible(False)
            continue
        _draw_panel(axes, shown[number], data)
        left, lowest = label_outer(number, len(shown))
        if left:
            axes.set_ylabel("above the own best (%)")
        if not lowest:
            axes.set_xlabel("")
        if len(shown) > 1:
            axes.set_title(shown[number].importance)
    # The same axis everywhere: importance measures are compared by eye.
    highest = 105 * max(float(panel.curve.mean.max()) for panel in shown)
    grid[0, 0].set_ylim(0, max(min(100 * HIGHEST, highest), 110 * max(SHARES)))
    _legend(figure, shown, data)
    return figure


def _draw_panel(axes: Axes, panel: Panel, data: Regrets) -> None:
    curve, colour = panel.curve, style.COLOURS[0]
    for share in SHARES:
        axes.axhline(100 * share, color=style.GREY, linewidth=0.6, linestyle=(0, (4, 2)))
    if np.isfinite(curve.low).all():
        low, high = 100 * curve.low, 100 * curve.high
        axes.fill_between(curve.lambdas, low, high, color=colour, alpha=0.2, lw=0)
    axes.plot(curve.lambdas, 100 * curve.mean, color=colour)
    style.lambda_axis(axes, data.log)
    use = panel.use
    if not np.isfinite(use.estimate):
        return
    height = 100 * float(np.interp(use.estimate, curve.lambdas, curve.mean))
    look = style.optimum_look(panel.resolved, colour)
    axes.plot(use.estimate, height, zorder=4, clip_on=False, **look)
    if np.isfinite([use.low, use.high]).all():
        bar: dict[str, Any] = {"color": style.BLACK, "clip_on": False}
        axes.plot([use.low, use.high], [0, 0], linewidth=2.2, solid_capstyle="butt", **bar)
        ends = ((use.low, "<", use.open_low), (use.high, ">", use.open_high))
        for end, marker, is_open in ends:
            if is_open:
                axes.plot(end, 0, marker, markersize=3, **bar)


def _legend(figure: Figure, shown: list[Panel], data: Regrets) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Line2D | Patch] = []
    for resolved, words in ((True, "λ to use, resolved"), (False, "λ to use, not resolved")):
        if any(p.resolved is resolved and np.isfinite(p.use.estimate) for p in shown):
            look = style.optimum_look(resolved, style.COLOURS[0])
            handles.append(Line2D([], [], label=words, **look))
    if any(np.isfinite(panel.use.low) for panel in shown):
        bar = Line2D([], [], color=style.BLACK, linewidth=2.2, label="its 95% interval")
        handles.append(bar)
    note = f"mean over {data.trials} trials"
    if data.trials == 1:
        note = "one trial: against its own best"
    else:
        band = Patch(color=style.COLOURS[0], alpha=0.2, lw=0, label="95% interval at each λ")
        handles.append(band)
    dashes = Line2D([], [], color=style.GREY, linewidth=0.6, linestyle=(0, (4, 2)))
    dashes.set_label(" and ".join(f"{share:.0%}" for share in SHARES))
    columns = 2 if figure.get_figwidth() < style.WIDE else 5
    figure.legend(handles=[*handles, dashes], loc="outside upper center", ncols=columns, title=note)
