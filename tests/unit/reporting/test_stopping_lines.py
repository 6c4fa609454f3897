"""What the summary says of a study's cost, and whether it is as sure as was asked."""

import dataclasses

import pytest
from made_up_studies import made_up_study

from ewc_lambda.reporting.stopping_lines import cost_line, stopping_lines
from ewc_lambda.search.looks import ALL_TRIALS, NARROW, NARROW_BOTH, NARROW_GAIN, NO_MINIMUM


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "study.h5"
    return made_up_study(path, trials=3, steps=7, rounds=2, replicates=4)


def decided(study, targets=None, **last):
    look = {"trials": 3, "next_trials": None, **last}
    return dataclasses.replace(
        study,
        config=study.config | (targets or {"target_width": 0.3}),
        attributes={**study.attributes, "looks": {"0": look}},
    )


def test_a_fixed_number_of_trials_needs_no_word(study):
    assert stopping_lines(study) == []


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"widths": {"a": 0.2, "b": None}, "stop": NARROW}, "Sure enough after 3 trials"),
        ({"widths": {"a": 0.2}, "stop": NARROW}, "the interval is 0.2 decades wide, 0.3 were"),
        ({"widths": {"a": 0.9}, "stop": ALL_TRIALS}, "0.9 decades wide, 0.3 were asked for"),
        ({"widths": {"a": "open", "b": 1.0}, "stop": ALL_TRIALS}, "is open at an end"),
        ({"widths": {"a": None}, "stop": NO_MINIMUM}, "no minimum between the lambdas searched"),
    ],
)
def test_each_end_is_said(study, last, said):
    (line,) = stopping_lines(decided(study, **last))
    assert said in line


def test_how_many_trials_would_do(study):
    (line,) = stopping_lines(decided(study, widths={"a": 0.6}, stop=ALL_TRIALS))
    # t(m - 1) / sqrt(m) at 97% of three trials, halved.
    assert line.endswith("about 5 would do: --config trials=5.")


GAIN = {"target_width": None, "target_gain": 2.0}
BOTH = {"target_width": 0.3, "target_gain": 2.0}


@pytest.mark.parametrize(
    ("targets", "last", "said"),
    [
        (
            GAIN,
            {"widths": {}, "gains": {"a": 1.234, "b": None}, "stop": NARROW_GAIN},
            "Sure enough after 3 trials: the interval of the gain is 1.23 loss x epochs wide, 2 "
            "were asked for (target_gain).",
        ),
        (
            GAIN,
            {"widths": {}, "gains": {"a": 4.0}, "stop": ALL_TRIALS},
            "Not as sure as asked: after 3 trials the interval of the gain is 4 loss x epochs "
            "wide, 2 were asked for (target_gain); about 5 would do: --config trials=5.",
        ),
        (
            BOTH,
            {"widths": {"a": 0.2}, "gains": {"a": 1.5}, "stop": NARROW_BOTH},
            "Sure enough after 3 trials: the interval is 0.2 decades wide, 0.3 were asked for "
            "(target_width); the interval of the gain is 1.5 loss x epochs wide, 2 were asked for "
            "(target_gain).",
        ),
        (
            BOTH,
            {"widths": {"a": 0.2}, "gains": {"a": 4.0}, "stop": ALL_TRIALS},
            "Not as sure as asked: after 3 trials the interval is 0.2 decades wide, 0.3 were asked "
            "for (target_width); the interval of the gain is 4 loss x epochs wide, 2 were asked "
            "for (target_gain); about 5 would do: --config trials=5.",
        ),
        (
            BOTH,
            {"widths": {"a": "open"}, "gains": {"a": 1.0}, "stop": ALL_TRIALS},
            "Not as sure as asked: after 3 trials the interval is open at an end, at most 0.3 "
            "decades were asked for (target_width); the interval of the gain is 1 loss x epochs "
            "wide, 2 were asked for (target_gain).",
        ),
        (
            BOTH,
            {"widths": {"a": None}, "gains": {"a": 4.0}, "stop": NO_MINIMUM},
            f"Ended after 3 trials: {NO_MINIMUM}; the interval is not known, at most 0.3 decades "
            f"were asked for (target_width); the interval of the gain is 4 loss x epochs wide, 2 "
            f"were asked for (target_gain).",
        ),
    ],
)
def test_what_is_said_of_the_gain_and_of_both(study, targets, last, said):
    assert stopping_lines(decided(study, targets, **last)) == [said]


def test_a_gain_in_another_criterion_has_no_unit(study):
    other = decided(study, GAIN, widths={}, gains={"a": 1.0}, stop=NARROW_GAIN)
    other.config["select_by"] = "final_loss"
    (line,) = stopping_lines(other)
    assert "the gain is 1 wide" in line


def test_a_lambda_that_is_met_again_is_no_training(study):
    lambdas = study.steps.groupby("trial")["lambda"].nunique().sum()
    assert lambdas < len(study.steps)
    assert cost_line(study).startswith(f"Cost: {lambdas * 4} trainings at a lambda")
