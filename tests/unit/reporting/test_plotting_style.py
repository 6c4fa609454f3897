"""Figures: sizes, legends, colours, axes and numbers of what is drawn."""

import dataclasses

import numpy as np
import pytest
from made_up_studies import made_up_study
from matplotlib.figure import Figure

from ewc_lambda.reporting.plotting import (
    accuracy_over_lambda,
    bracket,
    curves,
    importance,
    measure_over_lambda,
    regret,
    style,
)
from ewc_lambda.reporting.plotting.panels import columns_of, label_outer, x_limits, y_limits


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.h5"


CASES = {
    "three trials": {"noise": 0.2},
    "one replicate": {"trials": 1, "replicates": 1},
    "17 trials of 20 linear steps": {
        "trials": 17,
        "replicates": 1,
        "steps": 20,
        "rounds": 1,
        "spacing": "linear",
        "low": 0.0,
        "high": 15.0,
        "curve": lambda x, c: 12 + 0.02 * (x - c) ** 2,
        "references": (),
        "curves": False,
        "noise": 1.5,
        "randomness": "independent",
    },
    "diverged steps": {"diverged_above": 1e4},
    "all diverged": {"diverged_above": 0, "importance": ("fisher", "random")},
    "one task": {"tasks": 1, "trials": 1},
    "five tasks and measures": {
        "tasks": 5,
        "trials": 2,
        "importance": ("fisher", "random", "none", "weight_decay", "weight_change"),
    },
    "measures far apart": {"curve": lambda x, c: 10.0 + 10 ** np.abs(x - c)},
}


def test_figures_fit_a_column_or_a_page(path):
    for importances, width in ((("fisher",), style.ONE_COLUMN), (("fisher", "none"), style.WIDE)):
        study = made_up_study(path, importance=importances)
        with style.style():
            for module in (measure_over_lambda, bracket):
                figure = module.draw(module.extract(study))
                assert isinstance(figure, Figure)
                assert figure.get_figwidth() == width


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "module",
    [measure_over_lambda, accuracy_over_lambda, regret, bracket, curves, importance],
)
def test_every_study_is_drawn_with_its_legend_outside_the_axes(path, case, module):
    with style.style():
        figure = module.draw(module.extract(made_up_study(path, **CASES[case])))
        figure.draw_without_rendering()
    page = figure.bbox
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert page.x0 <= box.x0 + 1
        assert box.x1 - 1 <= page.x1
        assert box.y1 - 1 <= page.y1
        for axes in figure.axes:
            assert not box.overlaps(axes.get_window_extent())


def test_a_trial_keeps_its_colour_where_another_is_missing(path):
    study = made_up_study(path, importance=("fisher", "random"))
    gone = (study.steps["importance"] == "random") & (study.steps["trial"] == 0)
    study = dataclasses.replace(study, steps=study.steps[~gone])
    with style.style():
        figure = measure_over_lambda.draw(measure_over_lambda.extract(study))
    first, second = (
        [bars.lines[0].get_color() for bars in axes.containers] for axes in figure.axes[::2]
    )
    assert first == list(style.COLOURS[:3])
    assert second == list(style.COLOURS[1:3])


@pytest.mark.parametrize(
    "curve", [lambda x, c: 10 + 0 * (x + c), lambda x, c: 10.0 + 10 ** np.abs(x - c)]
)
def test_no_error_bar_is_clipped(path, curve):
    study = made_up_study(path, trials=2, curve=curve, noise=3.0, replicates=4, references=())
    with style.style():
        figure = measure_over_lambda.draw(measure_over_lambda.extract(study))
    axes = figure.axes[0]
    ends = np.concatenate(
        [bar[:, 1] for bars in axes.containers for bar in bars.lines[2][0].get_segments()]
    )
    low, high = axes.get_ylim()
    assert ends.max() < high
    if axes.get_yscale() == "linear":
        assert low < ends.min()


def test_the_ends_of_an_interval_are_marked_and_an_open_one_is_an_arrow(path):
    study = made_up_study(path, trials=1, spread=0.3)
    falling = made_up_study(
        path.with_name("f.h5"), trials=1, curve=lambda x, c: 20 - x + 0 * c, noise=0.5
    )
    with style.style():
        strips = [
            measure_over_lambda.draw(measure_over_lambda.extract(s)).axes[1]
            for s in (study, falling)
        ]
    bounded, opened = ([line.get_marker() for line in strip.lines] for strip in strips)
    assert bounded.count("|") == 2
    assert ">" in opened


def test_axis_of_measures():
    nan = np.array([np.nan])
    assert y_limits(np.array([1.0, 100.0]), nan)[0]
    log, (low, high) = y_limits(np.array([10.0, 20.0]), np.array([9.0, np.nan]))
    assert not log
    assert low < 9 < 20 < high
    assert y_limits(nan, nan) == (False, None)
    ends = np.array([-5.0, 400.0, np.nan])
    log, (low, high) = y_limits(np.array([1.0, 100.0]), nan, ends)
    assert log
    assert 0 < low < 1
    assert high > 400
    assert y_limits(np.array([10.0, 20.0]), nan, ends)[1][0] < -5


def test_axis_of_lambda_shows_all_that_was_searched():
    low, high = x_limits(np.array([10.0, 1e4]), log=True)
    np.testing.assert_allclose(np.log10([low, high]), [1 - 0.15, 4 + 0.15])
    assert x_limits(np.array([0.0, 10.0]), log=False) == (-0.5, 10.5)


def test_panels_are_named_at_the_edges():
    assert [columns_of(n) for n in (1, 2, 3, 4, 5, 12)] == [1, 2, 3, 2, 3, 3]
    assert label_outer(0, 5) == (True, False)
    assert label_outer(2, 5) == (False, True)
    assert label_outer(4, 5) == (False, True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (9.999, "10.0"),
        (999.99999, "1000"),
        (1234.5, "1230"),
        (0.5, "0.500"),
        (12345.0, f"1.23{style.TIMES}10⁴"),
        (-2.5e-6, f"-2.50{style.TIMES}10⁻⁶"),
    ],
)
def test_short_numbers(value, text):
    assert style.short(value) == text
