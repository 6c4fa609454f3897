"""Figure of the noise study: one grid under both modes of randomness, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.errors import StudyError
from ewc_lambda.inference.best_lambda import Interval, matrix, mean_interval
from ewc_lambda.inference.replicates import complete
from ewc_lambda.inference.variance_ratio import variance_ratio
from ewc_lambda.reporting.plotting import style
from ewc_lambda.results.searches import Search, searches, spacing
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import LEVEL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
MODES = ("independent", "common")


@dataclass(frozen=True)
class Noise:
    """What the figure shows: for each trial the lambdas of round 0 (S,), the measures (R, S) of
    both modes, nan where one diverged, and how many times greater the variance of paired
    differences is with independent streams, between neighbouring lambdas and between any two; and
    these ratios over all trials.
    """

    trials: tuple[int, ...]
    lambdas: tuple[Floats, ...]
    measures: dict[str, tuple[Floats, ...]]
    near_ratios: tuple[Interval, ...]
    ratios: tuple[Interval, ...]
    near_ratio: Interval
    ratio: Interval
    log: bool


def extract(common: Study, independent: Study, importance: str | None = None) -> Noise:
    """The first grids of two studies that differ in their randomness.

    ``importance`` is the first importance measure of ``common`` where it is not given.

    Raises:
        StudyError: the studies have another randomness than their name says, or no grid in common.

    """
    studies = {"common": common, "independent": independent}
    for mode, study in studies.items():
        if study.config["randomness"] != mode:
            raise StudyError(
                f"{study.name}: its randomness is {study.config['randomness']}, not {mode}. "
                f"Allowed: the study with common randomness first, the independent one second."
            )
    name = importance or common.importances[0]
    found = {mode: {s.trial: s for s in searches(study, name)} for mode, study in studies.items()}
    trials = tuple(sorted(set(found["common"]) & set(found["independent"])))
    if not trials:
        raise StudyError(f"{name}: no trial with this importance measure is in both studies.")
    grids = [_first_grid(*(found[mode][trial] for mode in MODES)) for trial in trials]
    if spacing(common) != spacing(independent):
        raise StudyError("spacing: the two studies differ. Run both with the same.")
    pairs = [grid[1:] for grid in grids]
    near_ratios = tuple(variance_ratio(*pair, LEVEL, neighbours=True) for pair in pairs)
    ratios = tuple(variance_ratio(*pair, LEVEL) for pair in pairs)
    lambdas, *measures = zip(*grids, strict=True)
    return Noise(
        trials,
        lambdas,
        dict(zip(MODES, measures, strict=True)),
        near_ratios,
        ratios,
        ratio_over_trials(near_ratios),
        ratio_over_trials(ratios),
        common.log,
    )


def _first_grid(independent: Search, common: Search) -> tuple[Floats, Floats, Floats]:
    """The lambdas (S,) of a trial's round 0, and the measures (R, S) in the order of `MODES`."""
    others, noisy = matrix(independent.first_lambdas, independent.first_measures)
    lambdas, paired = matrix(common.first_lambdas, common.first_measures)
    if lambdas.shape != others.shape or not np.allclose(lambdas, others, rtol=1e-9, atol=0):
        raise StudyError(
            f"trial {common.trial}: the first grids of the two studies differ. Run both with the "
            f"same seed, steps and ranges."
        )
    return lambdas, noisy, paired


def ratio_over_trials(ratios: tuple[Interval, ...]) -> Interval:
    """Geometric mean of the trials' ratios with Student's t interval over trials; the ratio of
    the trial itself where there is one only.
    """
    if len(ratios) == 1:
        return ratios[0]
    found = mean_interval([np.log(ratio.estimate) for ratio in ratios], LEVEL, "trial")
    low, middle, high = (float(np.exp(v)) for v in (found.low, found.estimate, found.high))
    reason = next((ratio.reason for ratio in ratios if ratio.reason), found.reason)
    return Interval(middle, low, high, found.n, found.level, reason)


def ratio_text(noise: Noise) -> str:
    """The ratios of variances in words, a line each."""
    over = "replicates" if len(noise.trials) == 1 else f"{len(noise.trials)} trials"
    lines = ["variance of a paired difference, independent streams to common ones"]
    kinds = {"neighbouring λ": noise.near_ratio, "any two λ": noise.ratio}
    for kind, ratio in kinds.items():
        if not np.isfinite(ratio.estimate):
            lines.append(f"{kind}: no ratio ({ratio.reason})")
        elif not np.isfinite(ratio.low):
            lines.append(f"{kind}: {style.short(ratio.estimate)} (no interval: {ratio.reason})")
        else:
            ends = f"{style.short(ratio.low)} to {style.short(ratio.high)}"
            lines.append(
                f"{kind}: {style.short(ratio.estimate)} times (95% interval {ends}, over {over})"
            )
    return "\n".join(lines)


def draw(data: Noise) -> Figure:
    """Draw both modes side by side, on one axis of measures."""
    figure = style.new_figure(style.WIDE, 3.2)
    both = figure.subplots(1, 2, sharey=True)
    count = len(data.trials)
    for axes, mode in zip(both, MODES, strict=True):
        for number, (lambdas, values) in enumerate(
            zip(data.lambdas, data.measures[mode], strict=True)
        ):
            use, n = complete(values), len(values)
            kept = values[:, use]
            errors = kept.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 and count <= style.FEW else None
            look = style.trial_look(number, count)
            label = f"trial {data.trials[number]}" if mode == "common" else None
            thin = {"color": look["color"], "linewidth": 0.4, "alpha": 0.45}
            axes.plot(lambdas[use], kept.T, **thin)
            axes.errorbar(
                lambdas[use], kept.mean(axis=0), errors, elinewidth=0.7, label=label, **look
            )
        axes.set_title(f"{mode} random streams")
        style.lambda_axis(axes, data.log)
    both[0].set_ylabel(style.MEASURE_LABEL)
    replicates = " and ".join(dict.fromkeys(str(len(data.measures[mode][0])) for mode in MODES))
    note = f"{ratio_text(data)}\nmean ± standard error; thin: each of {replicates} replicates"
    handles = both[1].get_legend_handles_labels()[0] if 1 < count <= style.FEW else []
    legend = figure.legend(handles=handles, loc="outside upper center", ncols=style.FEW, title=note)
    legend.get_title().set_multialignment("center")
    return figure
