"""A range of lambdas that misses the best one by decades: what is said, and which way to go."""

import numpy as np
import pytest
from made_up_studies import made_up_study

from ewc_lambda.inference.best_lambda import Interval
from ewc_lambda.inference.reach import missed, within
from ewc_lambda.reporting.answers import answer_importance
from ewc_lambda.reporting.summary import summary

SMALL = "every lambda does what lambda = 0 does: the penalty does nothing here"
LARGE = "all lambdas are alike and unlike lambda = 0: nothing new is learned at any of them"


def level(height):
    """A curve that is level but for what an optimizer makes of tiny penalties."""
    return lambda x, centre: height + 1e-7 * np.sin(40 * (x - centre))


@pytest.fixture(params=[1, 3])
def trials(request):
    return request.param


@pytest.mark.parametrize(
    ("height", "reason", "way"), [(15.0, SMALL, "upwards"), (30.0, LARGE, "downwards")]
)
def test_lambdas_that_all_do_the_same_have_no_best_one(tmp_path, trials, height, reason, way):
    study = made_up_study(tmp_path / "s.h5", trials=trials, curve=level(height), zero=15.0)
    said = summary(study)
    assert f"{reason}; move low_range and high_range {way}" in said
    answer = answer_importance(study, "fisher")
    assert answer.recommendation.use.reason == answer.best.reason == reason
    assert all(np.isnan(trial.best.estimate) for trial in answer.trials)
    # No interval, no end to move outwards, no tolerance.
    for word in ("95% interval less", "outwards", "tolerance", "prediction"):
        assert word not in said


def test_nothing_is_noticed_of_valleys_where_the_penalty_does_nothing(tmp_path):
    def valleys(x, centre):
        return 15 + 1e-6 * (np.abs(x - centre) - 1.5) ** 2

    made = {"curve": valleys, "trials": 5, "rounds": 1, "noise": 1e-8}
    study = made_up_study(tmp_path / "s.h5", **made, zero=15.0)
    assert answer_importance(study, "fisher").missed == "small"
    assert "noticed" not in summary(study)
    without = made_up_study(tmp_path / "t.h5", **made, references=())
    assert "two valleys" in summary(without), "the case is none"


def test_a_minimum_that_costs_a_percent_is_one(tmp_path):
    study = made_up_study(
        tmp_path / "s.h5", curve=lambda x, centre: 14.8 + 0.05 * (x - centre) ** 2, zero=15.0
    )
    assert answer_importance(study, "fisher").missed == ""
    assert np.isfinite(answer_importance(study, "fisher").best.low)


def test_a_study_without_lambda_0_is_left_to_the_other_statements(tmp_path):
    study = made_up_study(tmp_path / "s.h5", curve=level(15.0), references=())
    assert answer_importance(study, "fisher").missed == ""


def test_lambdas_that_diverged_have_no_say():
    measures = np.full((3, 6), 15.0)
    measures[:, 4:] = np.inf
    assert missed(measures, np.full(3, 15.0)) == "small"
    measures[:, 1:] = np.inf
    assert missed(measures, np.full(3, 15.0)) == ""


def test_no_interval_goes_beyond_what_was_searched(tmp_path):
    """Trials whose minima lie decades apart: Student's interval of two is 13 sds wide."""
    study = made_up_study(tmp_path / "s.h5", trials=2, centres=[1.0, 5.0], noise=0.02)
    answer = answer_importance(study, "fisher")
    for found in (answer.best, answer.recommendation.own):
        assert (found.low, found.high) == pytest.approx((1.0, 1e6))
        assert found.open_low
        assert found.open_high
    assert "less than 1 to more than 1e+06" in summary(study)


def test_an_interval_inside_is_left_as_it_is():
    inside = Interval(3.0, 2.0, 4.0, 5, 0.95)
    assert within(inside, 1.0, 10.0) == inside
    cut = within(inside, 2.5, 10.0)
    assert (cut.low, cut.high, cut.open_low, cut.open_high) == (2.5, 4.0, True, False)


def test_nothing_is_less_than_0_on_a_linear_scale(tmp_path):
    study = made_up_study(
        tmp_path / "s.h5",
        spacing="linear",
        low=0.0,
        high=6.0,
        curve=lambda x, centre: 14.0 + 0.2 * np.maximum(x - centre, 0) ** 2,
        centres=[2.0, 2.5, 1.5],
        noise=0.05,
    )
    assert "less than 0 " not in summary(study)
    assert "less than 0," not in summary(study)
