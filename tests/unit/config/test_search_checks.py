"""Keys of trials, brackets and races that do not go together are refused by name."""

import pytest

from ewc_lambda.config.study_config import resolve
from ewc_lambda.errors import StudyError


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"target_width": 0}, "target_width"),
        ({"target_width": -1}, "target_width"),
        ({"target_width": 0.3, "trials": 1}, "target_width: one trial has no interval"),
        ({"target_width": 0.3, "trials": 5, "min_trials": 6}, "min_trials: 6 is more than trials"),
        ({"target_gain": 0}, "target_gain"),
        ({"target_gain": -1}, "target_gain"),
        ({"target_gain": "narrow"}, "target_gain"),
        ({"target_gain": 5, "trials": 1}, "target_gain: one trial has no interval"),
        ({"target_gain": 5, "target_width": 1, "trials": 1}, "target_width: one trial has no"),
        ({"target_gain": 5, "trials": 5, "min_trials": 6}, "with target_gain are there at most"),
        (
            {"target_gain": 5, "target_width": 1, "trials": 5, "min_trials": 6},
            "with target_width and target_gain are there at most",
        ),
        ({"target_gain": 5, "references": []}, "target_gain: the gain is over lambda = 0"),
        ({"target_gain": 5, "references": ["joint"]}, "Allowed: finetuning among references"),
        ({"min_trials": 2}, "min_trials"),
        ({"first_trials": 0}, "first_trials"),
        ({"later_steps": 4}, "later_steps"),
        ({"first_trials": 2, "racing": True, "replicates": 4}, "racing: a race drops lambdas"),
        (
            {"trial_mean": "geometric", "select_by": "final_accuracy"},
            "trial_mean: the geometric mean is of shares",
        ),
        (
            {"trial_mean": "geometric", "select_by": "average_accuracy"},
            "Allowed with it: arithmetic",
        ),
        ({"low_range": "auto"}, "high_range: [100000, 1000000], and the other range is auto"),
        ({"high_range": "auto"}, "low_range: [1, 10], and the other range is auto"),
        ({"low_range": "automatic", "high_range": "automatic"}, "Allowed: auto, or"),
        ({"low_range": "auto", "high_range": "auto", "spacing": "linear"}, "low_range: auto"),
    ],
)
def test_what_does_not_go_together_is_refused_by_key(config, said):
    with pytest.raises(StudyError, match=r"^[a-z_]+: ") as refused:
        resolve(config)
    assert said in str(refused.value)


def test_what_goes_together():
    resolve({"target_width": 0.3, "trials": 5, "min_trials": 5, "first_trials": 9})
    resolve({"target_gain": 5, "trials": 5, "min_trials": 5, "references": ["finetuning"]})
    resolve({"target_gain": 5, "target_width": 0.3, "select_by": "final_accuracy"})
    resolve({"trial_mean": "geometric", "select_by": "final_loss"})
    # A fixed number of trials knows no first look.
    resolve({"trials": 2, "min_trials": 5})
    auto = resolve({"low_range": "auto", "high_range": "auto"})
    assert auto["low_range"] == auto["high_range"] == "auto"
