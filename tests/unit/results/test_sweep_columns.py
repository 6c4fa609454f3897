"""Which column is what."""

import pandas as pd
import pytest

from ewc_lambda.errors import StudyError
from ewc_lambda.results.sweep_columns import Columns, find_columns, plain


def table(*names):
    """Three lambdas for each value of the other columns, all of numbers."""
    return pd.DataFrame(
        {name: [1.0, 2.0, 3.0] if i == 0 else [0.0] * 3 for i, name in enumerate(names)}
    )


@pytest.mark.parametrize(
    "lam", ["lambda", "lam", "LMBDA", "ewc_lambda", "reg", "Strength", "config.ewc-lambda", "λ"]
)
@pytest.mark.parametrize("seed", ["seed", "Run", "replicate", "repeat", "params_seed"])
@pytest.mark.parametrize("trial", ["trial", "model", "base model"])
def test_usual_names_are_known(lam, seed, trial):
    found, notes = find_columns(table(lam, seed, trial, "loss"), "t.csv")
    assert found == Columns(lam, "loss", seed, trial, None)
    assert len(notes) == 4


def test_columns_that_are_named_need_no_guess():
    found, notes = find_columns(
        table("a", "b", "c", "d", "e"), "t", lam="a", metric="b", seed="c", trial="d", group="e"
    )
    assert found == Columns("a", "b", "c", "d", "e")
    assert notes == []


def test_numbers_that_are_no_measure_are_left_aside():
    found, notes = find_columns(table("lambda", "epoch", "time", "loss"), "t.csv")
    assert found.measure == "loss"
    assert notes[-1] == "not used: epoch, time"


def test_a_column_of_text_that_is_not_used_is_said():
    data = table("lambda", "loss").assign(method=["a", "b", "c"])
    assert find_columns(data, "t.csv")[1][-1] == "not used: method"


def test_of_a_series_the_last_is_taken_and_said():
    found, notes = find_columns(table("lambda", "acc_9", "acc_10", "acc_8"), "t.csv")
    assert found.measure == "acc_10"
    assert notes[1:] == [
        "the measure is column acc_10, the last of 3 of its kind (--metric takes another)"
    ]


def test_a_tuners_number_of_the_run_is_no_trial():
    data = pd.DataFrame({"lambda": [1.0, 2.0, 3.0], "trial": [0, 1, 2], "loss": [1.0, 2.0, 3.0]})
    found, notes = find_columns(data, "t.csv")
    assert found.trial is None
    assert "column trial has one lambda for each of its values: no trial" in " ".join(notes)


@pytest.mark.parametrize(
    ("names", "given", "said"),
    [
        (("lambda", "loss", "accuracy"), {}, "loss, accuracy may be the measure.*--metric"),
        (("lambda", "reg", "loss"), {}, "lambda, reg may be lambda.*--lambda"),
        (("lambda", "seed", "run", "loss"), {}, "seed, run may be the seed.*--seed"),
        (("x", "loss"), {}, "no column is lambda by its name.*There are: x, loss"),
        (("lambda", "time"), {}, "no column of numbers is left"),
        (("lambda", "loss"), {"metric": "los"}, "--metric los: no such column.*lambda, loss"),
        (("lambda", "loss"), {"metric": "loss", "seed": "loss"}, "loss is named twice"),
    ],
)
def test_what_cannot_be_told_is_asked_for(names, given, said):
    with pytest.raises(StudyError, match=said):
        find_columns(table(*names), "t.csv", **given)


def test_a_table_without_rows_and_two_columns_of_one_name_are_refused():
    with pytest.raises(StudyError, match=r"t\.csv: holds no rows"):
        find_columns(table("lambda", "loss").iloc[:0], "t.csv")
    with pytest.raises(StudyError, match="two columns have the name loss"):
        find_columns(
            table("lambda", "a", "b").set_axis(["lambda", "loss", "loss"], axis=1), "t.csv"
        )


def test_names_are_compared_without_what_tools_put_around_them():
    assert plain(" Config/EWC-Lambda ") == "ewc_lambda"
