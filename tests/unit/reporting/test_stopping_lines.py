"""What the summary says of a study's cost, and whether it is as sure as was asked."""

import dataclasses

import pytest
from made_up_studies import made_up_study

from ewc_lambda.reporting.stopping_lines import cost_line, stopping_lines
from ewc_lambda.search.looks import ALL_TRIALS, NARROW, NO_MINIMUM


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "study.h5"
    return made_up_study(path, trials=3, steps=7, rounds=2, replicates=4)


def decided(study, **last):
    look = {"trials": 3, "next_trials": None, **last}
    return dataclasses.replace(
        study,
        config=study.config | {"target_width": 0.3},
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


def test_a_lambda_that_is_met_again_is_no_training(study):
    lambdas = study.steps.groupby("trial")["lambda"].nunique().sum()
    assert lambdas < len(study.steps)
    assert cost_line(study).startswith(f"Cost: {lambdas * 4} trainings at a lambda")
