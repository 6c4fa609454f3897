"""Figure: average accuracy and forgetting over lambda, against lambda = 0 and joint training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.reporting.answers import ImportanceAnswer, answer_importance
from ewc_lambda.reporting.plotting import style
from ewc_lambda.reporting.plotting.measure_over_lambda import mean_over_trials
from ewc_lambda.reporting.plotting.panels import columns_of, label_outer, x_limits
from ewc_lambda.results.accuracies import accuracy_and_forgetting
from ewc_lambda.results.study_file import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Floats = NDArray[np.float64]
NAMES = ("average accuracy (%)", "forgetting (%)")
LINES = (("finetuning", "λ = 0", "-"), ("joint", "joint training", (0, (4, 2))))


@dataclass(frozen=True)
class Curve:
    """One trial: means over replicates (S,) at rising lambdas (S,), in percent, and those of the
    reference lines, nan where there are none.
    """

    trial: int
    lambdas: Floats
    means: Floats
    finetuning: float
    joint: float


@dataclass(frozen=True)
class Panel:
    """One importance measure: curves of accuracy and of forgetting, and what its trials say."""

    importance: str
    rows: tuple[tuple[Curve, ...], ...]
    answer: ImportanceAnswer


@dataclass(frozen=True)
class AccuracyOverLambda:
    """What the figure shows: ``names`` of its rows, none where nothing is recorded."""

    panels: tuple[Panel, ...]
    trials: tuple[int, ...]
    names: tuple[str, ...]
    split: str
    log: bool


def extract(study: Study) -> AccuracyOverLambda:
    """Accuracy and forgetting of every importance measure and trial of a study."""
    values = {row: _means(study, "steps", int(row)) for row in study.steps.index}
    known = np.isfinite(np.array(list(values.values()))).any(axis=0)
    kept = [number for number, there in enumerate(known) if there]
    panels = []
    for name in study.importances:
        rows = tuple(
            tuple(_curve(study, name, trial, number, values) for trial in study.trials)
            for number in kept
        )
        panels.append(Panel(name, rows, answer_importance(study, name)))
    names = tuple(NAMES[number] for number in kept)
    split = str(study.config["selection_split"])
    return AccuracyOverLambda(tuple(panels), tuple(study.trials), names, split, study.log)


def _means(study: Study, table: str, row: int) -> tuple[float, float]:
    accuracy, forgotten = accuracy_and_forgetting(study, table, row)
    return 100 * float(accuracy.mean()), 100 * float(forgotten.mean())


def _curve(
    study: Study,
    importance: str,
    trial: int,
    number: int,
    values: dict[Any, tuple[float, float]],
) -> Curve:
    steps = study.steps
    own = steps[(steps["importance"] == importance) & (steps["trial"] == trial)]
    own = own[~own["diverged"].astype(bool)].drop_duplicates("lambda").sort_values("lambda")
    means = np.array([values[row][number] for row in own.index])
    lines = {name: _line(study, trial, name, number) for name, _, _ in LINES}
    return Curve(trial, own["lambda"].to_numpy(float), means, **lines)


def _line(study: Study, trial: int, name: str, number: int) -> float:
    rows = study.references
    if rows.empty:
        return float("nan")
    found = rows.index[(rows["trial"] == trial) & (rows["reference"] == name)]
    return _means(study, "references", int(found[0]))[number] if len(found) else float("nan")


def draw(data: AccuracyOverLambda) -> Figure:
    """Draw accuracy above forgetting, a column of both for each importance measure."""
    if not data.names:
        return style.empty_figure("no accuracy is recorded: a regression, or no curves")
    count, height = len(data.panels), len(data.names)
    columns = columns_of(count)
    blocks = -(-count // columns)
    width = style.ONE_COLUMN if columns == 1 else style.WIDE
    figure = style.new_figure(width, blocks * (1.7 + 1.2 * (height - 1)) + 0.6)
    heights = ([1.7, 1.2][:height]) * blocks
    grid = figure.add_gridspec(blocks * height, columns, height_ratios=heights)
    first: list[Axes] = []
    for number, panel in enumerate(data.panels):
        block, column = divmod(number, columns)
        left, _ = label_outer(number, count)
        for row, curves in enumerate(panel.rows):
            above = first[row] if len(first) > row else None
            axes = figure.add_subplot(grid[block * height + row, column], sharey=above)
            first += [axes] if above is None else []
            _draw_curves(axes, curves, panel, data)
            axes.tick_params(labelleft=left, labelbottom=row == height - 1)
            axes.set_ylabel(data.names[row] if left else "")
            if row < height - 1:
                axes.set_xlabel("")
            if row == 0 and count > 1:
                axes.set_title(panel.importance)
    _legend(figure, data)
    return figure


def _draw_curves(
    axes: Axes, curves: Sequence[Curve], panel: Panel, data: AccuracyOverLambda
) -> None:
    few = len(data.trials) <= style.FEW
    for curve in curves:
        look = style.trial_look(data.trials.index(curve.trial), len(data.trials))
        axes.plot(curve.lambdas, curve.means, **look)
    if not few:
        x, means, errors = mean_over_trials(curves, data.log)
        axes.fill_between(x, means - errors, means + errors, color=style.BLACK, alpha=0.2, lw=0)
        axes.plot(x, means, color=style.BLACK, linewidth=1.4, zorder=3)
    for name, _, dashes in LINES:
        value = np.mean([getattr(curve, name) for curve in curves])
        if np.isfinite(value):
            axes.axhline(value, color=style.BLACK, linestyle=dashes, linewidth=0.7, zorder=1)
    low, high, middle = _use(panel.answer)
    if np.isfinite([low, high]).all():
        axes.axvspan(low, high, color=style.COLOURS[4], alpha=0.25, lw=0, zorder=0)
    if np.isfinite(middle):
        axes.axvline(middle, color=style.COLOURS[4], linewidth=1.2, zorder=0.5)
    style.lambda_axis(axes, data.log)
    # Of the whole search: where all lambdas diverged there is no curve.
    searched = np.concatenate([trial.search.lambdas for trial in panel.answer.trials])
    axes.set_xlim(*x_limits(searched, data.log))


def _use(answer: ImportanceAnswer) -> tuple[float, float, float]:
    """Ends of the interval and estimate of the lambda to use, or of the one trial's best."""
    one = answer.trials[0].best if len(answer.trials) == 1 else answer.recommendation.use
    return one.low, one.high, one.estimate


def _legend(figure: Figure, data: AccuracyOverLambda) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Line2D | Patch] = []
    count = len(data.trials)
    if count > style.FEW:
        handles.append(Line2D([], [], color=style.LIGHT_GREY, linewidth=0.8, label="one trial"))
        words = "mean over trials ± standard error"
        handles.append(Line2D([], [], color=style.BLACK, linewidth=1.4, label=words))
    else:
        for number, trial in enumerate(data.trials):
            look = style.trial_look(number, count)
            handles.append(Line2D([], [], label=f"trial {trial}", **look))
    curves = [curve for panel in data.panels for curve in panel.rows[0]]
    for name, words, dashes in LINES:
        if any(np.isfinite(getattr(curve, name)) for curve in curves):
            dashed: dict[str, Any] = {"linewidth": 0.7, "linestyle": dashes, "label": words}
            handles.append(Line2D([], [], color=style.BLACK, **dashed))
    uses = [_use(panel.answer) for panel in data.panels]
    what = "λ to use" if count > 1 else "best λ"
    if any(np.isfinite(middle) for _, _, middle in uses):
        handles.append(Line2D([], [], color=style.COLOURS[4], linewidth=1.2, label=what))
    if any(np.isfinite([low, high]).all() for low, high, _ in uses):
        handles.append(Patch(color=style.COLOURS[4], alpha=0.25, lw=0, label="its 95% interval"))
    narrow = figure.get_figwidth() < style.WIDE
    columns = (3 if count <= style.FEW else 2) if narrow else 5
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=columns,
        title=f"after the last task, {data.split} split",
    )
