"""Figure: the measure over lambda of every trial, with its error bars and its minimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.inference.best_lambda import matrix
from ewc_lambda.inference.replicates import comparable_means, trained, usable
from ewc_lambda.inference.unpaired import run_means
from ewc_lambda.reporting.answers import ImportanceAnswer, TrialAnswer, answer_importance
from ewc_lambda.reporting.plotting import style
from ewc_lambda.reporting.plotting.panels import (
    best_rows,
    label_outer,
    panel_grid,
    x_limits,
    y_limits,
)
from ewc_lambda.results.study_file import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Measure over lambda of one trial: means that can be compared and standard errors over
    replicates (S,) at rising lambdas (S,); errors are nan with one replicate. ``diverged`` are the
    lambdas left out. The reference lines are means over replicates, nan where there are none.
    """

    trial: int
    lambdas: Floats
    means: Floats
    errors: Floats
    diverged: Floats
    answer: TrialAnswer
    finetuning: float
    joint: float

    @property
    def at_best(self) -> float:
        """Height of the curve at the best lambda; nan where there is none."""
        if not len(self.lambdas) or not np.isfinite(self.answer.best.estimate):
            return float("nan")
        return float(np.interp(self.answer.best.estimate, self.lambdas, self.means))


@dataclass(frozen=True)
class Panel:
    """One importance measure: a curve per trial, and what all of them say."""

    importance: str
    curves: tuple[Curve, ...]
    answer: ImportanceAnswer


@dataclass(frozen=True)
class MeasureOverLambda:
    """What the figure shows."""

    panels: tuple[Panel, ...]
    trials: tuple[int, ...]
    log: bool
    replicates: tuple[int, int]
    label: str

    @property
    def curves(self) -> list[Curve]:
        """Curves of all panels."""
        return [curve for panel in self.panels for curve in panel.curves]


def extract(study: Study) -> MeasureOverLambda:
    """The curves of every importance measure and trial of a study."""
    panels = []
    for importance in study.importances:
        answer = answer_importance(study, importance)
        curves = tuple(_curve(study, trial) for trial in answer.trials)
        panels.append(Panel(importance, curves, answer))
    return MeasureOverLambda(
        tuple(panels),
        tuple(study.trials),
        study.log,
        study.replicate_range,
        study.measured or style.MEASURE_LABEL,
    )


def _curve(study: Study, answer: TrialAnswer) -> Curve:
    lambdas, measures = matrix(answer.search.lambdas, answer.search.measures)
    use = usable(measures)
    kept, count = measures[:, use], trained(measures)[use]
    errors = np.full(len(count), np.nan)
    for n in np.unique(count[count > 1]):
        errors[count == n] = kept[:n, count == n].std(axis=0, ddof=1) / np.sqrt(n)
    lines = (study.reference(answer.trial, name) for name in ("finetuning", "joint"))
    finetuning, joint = (float("nan") if line is None else float(line.mean()) for line in lines)
    return Curve(
        answer.trial,
        lambdas[use],
        comparable_means(kept) if study.paired else run_means(kept),
        errors,
        lambdas[~use],
        answer,
        finetuning,
        joint,
    )


class OverLambda(Protocol):
    """Means (S,) at rising lambdas (S,)."""

    @property
    def lambdas(self) -> Floats:
        """The lambdas."""

    @property
    def means(self) -> Floats:
        """The means."""


def mean_over_trials(curves: Sequence[OverLambda], log: bool) -> tuple[Floats, Floats, Floats]:
    """Mean of the curves and its standard error over trials, at 60 lambdas that all of them cover,
    between lambdas by straight lines on the axis: lambdas, means, errors (60,); empty where fewer
    than two curves overlap.
    """
    nothing = np.empty(0)
    whole = [curve for curve in curves if len(curve.lambdas) > 1]
    if len(whole) < 2:
        return nothing, nothing, nothing
    scale = np.log10 if log else np.asarray
    low = max(float(scale(curve.lambdas[0])) for curve in whole)
    high = min(float(scale(curve.lambdas[-1])) for curve in whole)
    if low >= high:
        return nothing, nothing, nothing
    x = np.linspace(low, high, 60)
    values = np.array([np.interp(x, scale(curve.lambdas), curve.means) for curve in whole])
    errors = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return (10.0**x if log else x), values.mean(axis=0), errors


def draw(data: MeasureOverLambda) -> Figure:
    """Draw the measure over lambda, a panel for each importance measure."""
    count = len(data.panels)
    figure, pairs = panel_grid(count, len(data.trials))
    # The same axis of measures everywhere: importance measures are compared by eye.
    log, limits = y_limits(
        np.concatenate([curve.means for curve in data.curves]),
        np.array([value for curve in data.curves for value in (curve.finetuning, curve.joint)]),
        np.concatenate([_bar_ends(curve, data) for curve in data.curves]),
    )
    for number, (panel, (main, strip)) in enumerate(zip(data.panels, pairs, strict=True)):
        left, lowest = label_outer(number, count)
        main.set_yscale("log" if log else "linear")
        _draw_panel(main, panel, data)
        best_rows(strip, panel.answer, data.trials)
        if limits is not None:
            main.set_ylim(*limits)
        style.lambda_axis(strip, data.log)
        searched = np.concatenate([trial.search.lambdas for trial in panel.answer.trials])
        main.set_xlim(*x_limits(searched, data.log))
        main.tick_params(labelbottom=False)
        if left:
            main.set_ylabel(data.label)
            strip.set_ylabel("best λ", rotation=0, ha="right", va="center")
        if not lowest:
            strip.set_xlabel("")
        if count > 1:
            main.set_title(panel.importance)
    _legend(figure, data)
    return figure


def _bar_ends(curve: Curve, data: MeasureOverLambda) -> Floats:
    """Ends of the error bars of a curve, where they are drawn."""
    if len(data.trials) > style.FEW or data.replicates[1] == 1:
        return np.empty(0)
    return np.concatenate([curve.means - curve.errors, curve.means + curve.errors])


def _draw_panel(axes: Axes, panel: Panel, data: MeasureOverLambda) -> None:
    few = len(data.trials) <= style.FEW
    for curve in panel.curves:
        look = style.trial_look(data.trials.index(curve.trial), len(data.trials))
        errors = curve.errors if few and data.replicates[1] > 1 else None
        axes.errorbar(curve.lambdas, curve.means, errors, elinewidth=0.7, **look)
        if len(curve.diverged):
            axes.plot(
                curve.diverged,
                np.full(len(curve.diverged), 0.98),
                transform=axes.get_xaxis_transform(),
                color=look["color"] if few else style.GREY,
                linestyle="none",
                marker="x",
                markersize=4,
                clip_on=False,
            )
        if few:
            best = curve.answer.best.estimate
            star = style.optimum_look(curve.answer.resolved.resolved, str(look["color"]))
            axes.plot(best, curve.at_best, zorder=5, **star)
    _reference_lines(axes, panel, data)
    if not few:
        x, means, errors = mean_over_trials(panel.curves, data.log)
        axes.fill_between(x, means - errors, means + errors, color=style.BLACK, alpha=0.2, lw=0)
        axes.plot(x, means, color=style.BLACK, linewidth=1.4, zorder=3)


def _reference_lines(axes: Axes, panel: Panel, data: MeasureOverLambda) -> None:
    coloured = 1 < len(data.trials) <= style.FEW
    for name, dashes in (("finetuning", "-"), ("joint", (0, (4, 2)))):
        values = np.array([getattr(curve, name) for curve in panel.curves])
        if coloured:
            colours = [style.COLOURS[data.trials.index(curve.trial)] for curve in panel.curves]
            lines = list(zip(values, colours, strict=True))
        else:
            lines = [(float(values.mean()), style.BLACK)]
        for value, colour in lines:
            if np.isfinite(value):
                axes.axhline(value, color=colour, linestyle=dashes, linewidth=0.7, zorder=1)


def _legend(figure: Figure, data: MeasureOverLambda) -> None:
    handles = [*_trial_handles(data), *_reference_handles(data), *_answer_handles(data)]
    if any(len(curve.diverged) for curve in data.curves):
        handles.append(_handle("diverged", color=style.GREY, marker="x", linestyle="none"))
    narrow = figure.get_figwidth() < style.WIDE
    columns = (3 if len(data.trials) <= style.FEW else 2) if narrow else 5
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, title=_note(data))


def _handle(label: str, **look: Any) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **look)


def _trial_handles(data: MeasureOverLambda) -> list[Line2D]:
    count = len(data.trials)
    if count > style.FEW:
        mean = "mean over trials ± standard error"
        return [
            _handle("one trial", color=style.LIGHT_GREY, linewidth=0.8),
            _handle(mean, color=style.BLACK, linewidth=1.4),
        ]
    looks = (style.trial_look(number, count) for number in range(count))
    return [_handle(f"trial {t}", **look) for t, look in zip(data.trials, looks, strict=True)]


def _reference_handles(data: MeasureOverLambda) -> list[Line2D]:
    look: dict[str, Any] = {"color": style.BLACK, "linewidth": 0.7}
    if 1 < len(data.trials) <= style.FEW:
        look["color"] = style.GREY
    handles = []
    if any(np.isfinite(curve.finetuning) for curve in data.curves):
        handles.append(_handle("λ = 0", **look))
    if any(np.isfinite(curve.joint) for curve in data.curves):
        handles.append(_handle("joint training", linestyle=(0, (4, 2)), **look))
    return handles


def _answer_handles(data: MeasureOverLambda) -> list[Line2D]:
    drawn = [
        (c.answer.resolved.resolved, c.answer.best.estimate, c.answer.best.low) for c in data.curves
    ]
    if len(data.trials) > 1:
        answers = [
            (panel.answer.resolved.resolved, panel.answer.recommendation) for panel in data.panels
        ]
        drawn += [(resolved, found.use.estimate, found.use.low) for resolved, found in answers]
    said = {resolved for resolved, estimate, _ in drawn if np.isfinite(estimate)}
    words = {True: "best λ, resolved", False: "best λ, not resolved"}
    handles = [
        _handle(label, **style.optimum_look(resolved, "white"))
        for resolved, label in words.items()
        if resolved in said
    ]
    if any(np.isfinite(low) for _, _, low in drawn):
        handles.append(_handle("its 95% interval", color=style.GREY, linewidth=1.8))
    return handles


def _note(data: MeasureOverLambda) -> str:
    if data.replicates[1] == 1:
        return "one replicate for each λ: no error bars within a trial"
    replicates = style.span(*data.replicates)
    if len(data.trials) > style.FEW:
        return f"{len(data.trials)} trials of {replicates} replicates"
    return f"mean ± standard error over {replicates} replicates"
