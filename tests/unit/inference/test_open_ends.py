"""Curves that are lowest at an end of the lambdas searched: they have no best lambda."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up_curves import GRID, X, parabolas
from made_up_studies import made_up_study

from ewc_lambda.inference.across_trials import at_ends, study_best_lambda
from ewc_lambda.inference.best_lambda import best_lambda
from ewc_lambda.reporting.answers import answer_importance, answer_study
from ewc_lambda.reporting.plotting import importance, measure_over_lambda
from ewc_lambda.reporting.summary import summary
from ewc_lambda.reporting.tables import make_tables
from ewc_lambda.reporting.tables.answer import table as answer_table

FALLS = "the measure still falls at the"


def falling(x, centre):
    """Falls over all decades, ever slower."""
    return 10 + np.exp(-0.5 * (x - centre) / 3)


@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_curves_that_fall_over_the_whole_grid_have_no_best_lambda(tmp_path, rounds, noise):
    study = made_up_study(
        tmp_path / "s.h5", trials=5, curve=falling, rounds=rounds, noise=noise, spread=0.0
    )
    answer = answer_importance(study, "fisher")
    assert math.isnan(answer.best.low)
    assert math.isnan(answer.best.high)
    assert math.isnan(answer.best.estimate)
    assert answer.best.reason.startswith(f"{FALLS} upper end of the searched range")
    text = summary(study)
    assert f"lambda to use    none (no interval: {FALLS} upper end" in text
    assert "move high_range outwards" in text


def test_curves_that_rise_over_the_whole_grid_have_none_either(tmp_path):
    study = made_up_study(tmp_path / "s.h5", trials=4, curve=lambda x, c: falling(6 - x, c))
    assert FALLS + " lower end" in answer_importance(study, "fisher").best.reason


def test_the_table_says_why_there_is_none(tmp_path):
    study = made_up_study(tmp_path / "s.h5", trials=5, curve=falling)
    (row,) = answer_table(study, answer_study(study)).to_dict("records")
    assert FALLS in row["missing_because"]


def test_a_trial_says_which_end_its_curve_is_lowest_at():
    for vertices, end in (([12.0, 12.1], "high"), ([-2.0, -2.1], "low"), ([5.0, 5.1], "")):
        assert best_lambda(GRID, parabolas(vertices)).end == end


def test_next_to_lambdas_that_diverged_is_no_end():
    values = parabolas([12.0, 12.1])
    values[:, -1] = np.inf
    assert best_lambda(GRID, values).end == ""


@given(
    st.lists(st.sampled_from(["low", "high", ""]), min_size=2, max_size=12),
    st.sampled_from(["log", "linear"]),
)
def test_there_is_an_interval_where_most_trials_have_their_minimum_inside(ends, spacing):
    found = study_best_lambda(np.arange(1.0, 1 + len(ends)), spacing, no_best=at_ends(ends))
    inside = 2 * ends.count("") > len(ends)
    assert (found.reason == "") is inside
    assert math.isfinite(found.low) is inside
    for end, name in (("low", "lower"), ("high", "upper")):
        said = f"{name} end of the searched range: the curve is lowest there in {ends.count(end)}"
        assert (said in found.reason) is (not inside and end in ends)


@given(st.integers(1, 8), st.floats(-3.0, 13.0), st.integers(0, 2**32 - 1))
def test_an_end_is_said_exactly_where_the_minimum_lies_beyond_the_lambdas(trials, centre, seed):
    # Close to an end noise decides.
    assume(min(abs(centre - X[0]), abs(centre - X[-1])) > 0.5)
    z = np.random.default_rng(seed).normal(size=(trials, 6))
    ends = [best_lambda(GRID, parabolas(centre + 0.05 * row)).end for row in z]
    expected = "low" if centre < X[0] else "high" if centre > X[-1] else ""
    assert ends == [expected] * trials


@pytest.mark.parametrize("trials", [1, 5])
def test_figures_of_a_study_without_a_best_lambda_are_drawn(tmp_path, trials):
    study = made_up_study(
        tmp_path / "s.h5", trials=trials, curve=falling, importance=("fisher", "random")
    )
    for figure in (measure_over_lambda, importance):
        assert figure.draw(figure.extract(study)).axes


def falls_under_one(x, centre):
    """Lowest at 1 and below of all that is searched, and there below `parabola`."""
    return 5 + 0.5 * np.maximum(x, 0) ** 2 + 0 * centre


class TestAMeasureOpenAtAnEnd:
    """Two importance measures of which one, the lower one so far, is best at the low end."""

    @pytest.fixture
    def study(self, tmp_path):
        return made_up_study(
            tmp_path / "s.h5",
            importance=("fisher", "random", "weight_decay"),
            heights={"weight_decay": 3.0},
            curves_of={"random": falls_under_one},
            spread=0.0,
        )

    def test_it_has_no_rank_and_nothing_is_the_best_beyond_doubt(self, study):
        found = answer_study(study).comparison
        assert found.names == ("fisher", "weight_decay")
        assert found.rank_low == found.rank_high == (1, 2)
        ((name, mean, reason),) = ((u.name, u.mean, u.reason) for u in found.unranked)
        assert (name, mean) == ("random", pytest.approx(5.0))
        assert FALLS + " lower end" in reason

    def test_the_text_says_so_and_what_to_do(self, study):
        text = summary(study)
        assert "random        5  no rank: the measure still falls at the lower end" in text
        assert "fisher is the best of those with a rank." in text
        assert "is the best beyond doubt." not in text
        assert "so none is the best beyond doubt: random. Move low_range outwards." in text

    def test_the_tables_say_so(self, study):
        rows = make_tables(study, answer_study(study))["importance"]
        own = rows[(rows["importance"] == "random") & (rows["compared_with"] == "")]
        assert own["best_rank"].isna().all()
        assert own["missing_because"].str.startswith("no rank: ").all()
        assert not (rows["compared_with"] == "random").any()

    def test_the_figure_says_so(self, study):
        data = importance.extract(study)
        assert [row.importance for row in data.rows] == ["fisher", "weight_decay", "random"]
        assert importance.row_label(data.rows[2], data) == "random\nmeasure 5.00, no rank"
        figure = importance.draw(data)
        words = [text.get_text() for text in figure.legends[0].get_texts()]
        assert "no rank: best at an end of the range" in words

    def test_the_same_measure_with_its_minimum_inside_has_a_rank(self, tmp_path):
        study = made_up_study(
            tmp_path / "s.h5", importance=("fisher", "random"), heights={"random": -5.0}, spread=0
        )
        assert answer_study(study).comparison.unranked == ()
        assert "random is the best beyond doubt." in summary(study)


def test_an_interval_over_trials_that_are_open_at_an_end_is_open_there(tmp_path):
    def barely_rises(x, centre):
        return 10 + 0.5 * np.maximum(x - centre, 0) ** 2 + 0.001 * np.maximum(centre - x, 0)

    study = made_up_study(
        tmp_path / "s.h5", trials=3, curve=barely_rises, rounds=1, spread=0.4, noise=0.1
    )
    answer = answer_importance(study, "fisher")
    assert sum(not trial.best.bounded_low for trial in answer.trials) >= 2
    assert not any(trial.best.end for trial in answer.trials)
    assert answer.best.open_low
    assert not answer.best.open_high
    assert "in the mean " in summary(study)
    assert "(95% interval less than " in summary(study).partition("in the mean ")[2]


def test_half_of_the_trials_open_leave_the_interval_open_there():
    bounds = [(True, True), (False, True), (False, False), (True, True)]
    found = study_best_lambda([1.0, 2.0, 3.0, 4.0], bounded=bounds)
    assert (found.open_low, found.open_high) == (True, False)
    assert math.isfinite(found.low)
