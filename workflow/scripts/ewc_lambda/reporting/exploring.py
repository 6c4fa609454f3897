"""A page to explore a study in a browser: every run over lambda, with what it is at the pointer.

Self-contained: the library that draws it, Bokeh, is in the page, and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ewc_lambda.reporting.answers import Answers, ImportanceAnswer
from ewc_lambda.reporting.plotting.style import COLOURS
from ewc_lambda.results.study_file import Study, runs_of

if TYPE_CHECKING:
    from bokeh.models import ColumnDataSource, LayoutDOM
    from bokeh.plotting import figure as Figure  # noqa: N812

HEIGHT = 260
"""Of a plot, in pixels; its width is that of the window."""

TIPS: list[Any] = [
    ("lambda", "@lambda{0.000e}"),
    ("trial", "@trial"),
    ("round", "@round"),
    ("replicate", "@replicate"),
    ("measure", "@measure{0.000}"),
    ("accuracy", "@accuracy{0.0%}"),
    ("forgetting", "@forgetting{0.0%}"),
]
_COLUMNS = ("lambda", "trial", "round", "replicate", "measure", "accuracy", "forgetting")
# Trials whose button is pressed are seen in all plots of a tab. A point that is none is no number,
# so that the pointer does not find it.
_PICK = """
const picked = new Set(cb_obj.active.map(number => trials[number]));
for (const source of points) {
    const data = source.data;
    data.y = Array.from(data[source.tags[0]], (v, i) => picked.has(data.trial[i]) ? v : NaN);
    source.change.emit();
}
for (const source of lines) {
    source.data.alpha = source.data.trial.map(trial => picked.has(trial) ? 1 : 0);
    source.change.emit();
}
"""
# What a finger touches has no pointer over it: it is said below the buttons.
_SAY = """
const i = cb_obj.indices[0];
if (i !== undefined) {
    const of = name => points.data[name][i];
    const share = name => isNaN(of(name)) ? '' : `, ${name} ${(100 * of(name)).toFixed(1)}%`;
    said.text = `trial ${of('trial')}, round ${of('round')}, replicate ${of('replicate')}: ` +
        `lambda ${of('lambda').toPrecision(4)}, measure ${of('measure').toPrecision(4)}` +
        share('accuracy') + share('forgetting');
}
"""
_TOUCH = "Point at a run, or touch it."


def explore_page(study: Study, answers: Answers) -> str:
    """The page as HTML, the same bytes for the same study."""
    from bokeh.embed import file_html
    from bokeh.models import TabPanel, Tabs
    from bokeh.resources import INLINE

    runs = runs_of(study)
    runs = runs[np.isfinite(runs["measure"])]
    tabs = [
        TabPanel(child=_tab(study, answer, runs), title=answer.importance) for answer in answers
    ]
    html = file_html(Tabs(tabs=tabs, sizing_mode="stretch_width"), INLINE, _title(study))
    # A phone shows it at its own width, and not a desktop's made small.
    wide = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return _without_chance(html.replace("<head>", f"<head>\n    {wide}", 1))


def _title(study: Study) -> str:
    return f"Explore {study.name}"


def _without_chance(html: str) -> str:
    """The page with identifiers of its own, where Bokeh draws them or goes on counting."""
    drawn = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
    html = _numbered(html, drawn, "00000000-0000-4000-8000-{:012x}")
    return _numbered(html, r'"p\d{4,}"', '"q{}"')


def _numbered(html: str, pattern: str, form: str) -> str:
    names: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        return names.setdefault(found[0], form.format(len(names)))

    return re.sub(pattern, name, html)


def _tab(study: Study, answer: ImportanceAnswer, runs: pd.DataFrame) -> LayoutDOM:
    """Buttons for trials, and below them the plots of an importance measure."""
    from bokeh.layouts import column
    from bokeh.models import CustomJS
    from bokeh.models.css import InlineStyleSheet
    from bokeh.models.widgets import CheckboxButtonGroup, Div

    own = runs[runs["importance"] == answer.importance].reset_index(drop=True)
    trials = [int(trial) for trial in sorted(own["trial"].unique())]
    drawn = [_runs_plot(study, own, trials, "measure", study.measured or "measure")]
    if np.isfinite(own["accuracy"]).any():
        drawn.append(_runs_plot(study, own, trials, "accuracy", "average accuracy"))
    plots = [plot for plot, _, _ in drawn]
    if answer.recommendation.curve.lambdas.size:
        plots.append(_regret_plot(study, answer))
    for plot in plots:
        plot.x_range = plots[0].x_range
        _mark_use(plot, answer)
    labels = [f"trial {trial}" for trial in trials]
    pick = CheckboxButtonGroup(
        labels=labels,
        active=list(range(len(trials))),
        # On a phone, in rows.
        sizing_mode="stretch_width",
        stylesheets=[InlineStyleSheet(css=".bk-btn-group { flex-wrap: wrap; }")],
    )
    shown = {"points": [p for _, p, _ in drawn], "lines": [each for _, _, each in drawn]}
    pick.js_on_change("active", CustomJS(args={**shown, "trials": trials}, code=_PICK))
    said = Div(text=_TOUCH, sizing_mode="stretch_width", min_height=36)
    for points in shown["points"]:
        say = CustomJS(args={"points": points, "said": said}, code=_SAY)
        points.selected.js_on_change("indices", say)
    return column(pick, said, *plots, sizing_mode="stretch_width")


def _new_plot(study: Study, label: str) -> Figure:
    from bokeh.plotting import figure

    plot = figure(
        height=HEIGHT,
        sizing_mode="stretch_width",
        x_axis_type="log" if study.log else "linear",
        x_axis_label="lambda",
        y_axis_label=label,
        tools="pan,wheel_zoom,box_zoom,reset,save",
    )
    plot.toolbar.logo = None
    # A finger on a plot scrolls the page; who wants to move or zoom it presses its button.
    plot.toolbar.active_drag = None
    return plot


def _runs_plot(
    study: Study, runs: pd.DataFrame, trials: Sequence[int], column: str, label: str
) -> tuple[Figure, ColumnDataSource, ColumnDataSource]:
    """Replicates as points and their means as lines, a colour for each trial; and the sources of
    points and of lines.
    """
    from bokeh.models import ColumnDataSource, HoverTool, TapTool

    plot = _new_plot(study, label)
    colours = {trial: COLOURS[n % len(COLOURS)] for n, trial in enumerate(trials)}
    parts = [part for _, part in runs.groupby("trial")]
    means = [part.groupby("lambda")[column].mean() for part in parts]
    found: dict[str, Any] = {
        "x": [list(mean.index) for mean in means],
        "y": [list(mean) for mean in means],
        "trial": list(trials),
        "colour": list(colours.values()),
        "alpha": [1] * len(trials),
    }
    lines: ColumnDataSource = ColumnDataSource(found)
    plot.multi_line("x", "y", source=lines, color="colour", alpha="alpha", line_width=1.5)
    table = runs[[*_COLUMNS]].assign(y=runs[column], colour=runs["trial"].map(colours))
    columns: dict[str, Any] = {str(name): table[name].to_numpy() for name in table}
    points: ColumnDataSource = ColumnDataSource(columns, tags=[column])
    look: dict[str, Any] = {"color": "colour", "size": 5, "alpha": 0.5}
    dots = plot.scatter("lambda", "y", source=points, **look, nonselection_alpha=0.5)
    touch = TapTool(renderers=[dots], visible=False)
    plot.add_tools(HoverTool(renderers=[dots], tooltips=TIPS), touch)
    return plot, points, lines


def _regret_plot(study: Study, answer: ImportanceAnswer) -> Figure:
    """What a lambda costs on a new network, with its interval."""
    from bokeh.models import ColumnDataSource, HoverTool

    curve, colour = answer.recommendation.curve, COLOURS[0]
    plot = _new_plot(study, "above the own best (%)")
    found: dict[str, Any] = {"lambda": curve.lambdas, "mean": 100 * curve.mean}
    found |= {"low": 100 * curve.low, "high": 100 * curve.high}
    source: ColumnDataSource = ColumnDataSource(found)
    line = plot.line("lambda", "mean", source=source, color=colour, line_width=2)
    if np.isfinite(curve.low).all():
        plot.varea("lambda", "low", "high", source=source, color=colour, alpha=0.2)
    tips: list[Any] = [
        ("lambda", "@lambda{0.000e}"),
        ("cost", "@mean{0.0}%"),
        ("from", "@low{0.0}%"),
    ]
    tips.append(("to", "@high{0.0}%"))
    plot.add_tools(HoverTool(renderers=[line], tooltips=tips, mode="vline"))
    return plot


def _mark_use(plot: Figure, answer: ImportanceAnswer) -> None:
    """The lambda to use, or the best of the one trial, and its interval."""
    from bokeh.models.annotations import BoxAnnotation, Span

    one = answer.trials[0].best if len(answer.trials) == 1 else answer.recommendation.use
    if np.isfinite([one.low, one.high]).all():
        band = BoxAnnotation(left=one.low, right=one.high, fill_color=COLOURS[4], fill_alpha=0.2)
        plot.add_layout(band)
    if np.isfinite(one.estimate):
        look: dict[str, Any] = {"line_color": COLOURS[4], "line_width": 2}
        plot.add_layout(Span(location=one.estimate, dimension="height", **look))
