"""A table with a row for each run as a study: what is taken, what is refused."""

import numpy as np
import pandas as pd
import pytest
from made_up_sweeps import LAMBDAS, made_up_sweep

from ewc_lambda.errors import StudyError
from ewc_lambda.results.run_tables import write_tables
from ewc_lambda.results.study_file import Study
from ewc_lambda.results.sweep import Reading, sweep_tables
from ewc_lambda.store.provenance import check_config


def taken(table, name="mine", **reading):
    return Study.of(*sweep_tables(table, name, Reading(**reading), {"source": "t.csv"}))


def notes(study):
    return "\n".join(study.sweep["notes"])


def test_seeds_at_every_lambda_are_pairs():
    study = taken(made_up_sweep())
    assert study.paired
    assert "paired: seed is shared by all lambdas; 6 runs for each lambda" in notes(study)
    assert study.steps["lambda"].tolist() == list(LAMBDAS)
    assert study.measures(study.steps).shape == (7, 6)


def test_rows_in_any_order_are_the_same_study():
    table = made_up_sweep()
    first, second = taken(table), taken(table.sample(frac=1, random_state=1))
    np.testing.assert_array_equal(first.measures(first.steps), second.measures(second.steps))


def test_seeds_of_their_own_are_no_pairs():
    study = taken(made_up_sweep(pairs=False))
    assert not study.paired
    assert "not paired: every run has a seed of its own; 6 runs" in notes(study)


def test_without_seeds_nothing_is_paired():
    study = taken(made_up_sweep().drop(columns="seed"))
    assert not study.paired
    assert "not paired: no column of seeds" in notes(study)


def test_pairs_are_left_out_where_it_is_said():
    study = taken(made_up_sweep(), paired=False)
    assert not study.paired
    assert "not paired, as asked" in notes(study)


def test_a_seed_that_one_lambda_lacks_is_left_out_of_pairs():
    study = taken(made_up_sweep().drop(index=2))
    assert study.replicate_range == (5, 5)
    assert "(6 rows of a seed that some lambda lacks are left out); 5 runs" in notes(study)


def test_unequal_numbers_of_own_runs_all_count():
    study = taken(made_up_sweep(pairs=False).drop(index=[2, 3, 20]))
    assert study.replicate_range == (4, 6)
    assert "4 to 6 runs for each lambda" in notes(study)
    assert np.isnan(study.measures(study.steps)).sum() == 3


def test_seeds_that_only_some_lambdas_share_are_refused():
    table = made_up_sweep()
    table["seed"] += 4 * (table["lambda"] > 100)
    table.loc[table["lambda"] == 1e6, "seed"] += 10
    with pytest.raises(StudyError, match=r"share fewer than two of them.*--unpaired"):
        taken(table)
    assert not taken(table, paired=False).paired


def test_groups_keep_the_seeds_that_all_of_them_have():
    whole = made_up_sweep().assign(method="a")
    fewer = made_up_sweep().assign(method="b").query("seed > 0")
    study = taken(pd.concat([whole, fewer]), group="method")
    assert study.importances == ["a", "b"]
    assert study.replicate_range == (5, 5)


def test_one_run_for_each_lambda_is_said():
    study = taken(made_up_sweep(runs=1).drop(columns="seed"))
    assert "one run for each lambda: no interval within a trial" in notes(study)


def test_missing_measures_are_left_out_and_said():
    table = made_up_sweep(pairs=False)
    table.loc[[3, 8], "loss"] = np.nan
    study = taken(table)
    assert "2 of 42 rows have no loss and are left out (row 4, 9); write inf" in notes(study)
    assert study.replicate_range == (5, 6)


def test_an_infinite_measure_is_a_run_that_diverged():
    table = made_up_sweep()
    table.loc[table["lambda"] == 1e6, "loss"] = np.inf
    study = taken(table)
    assert study.steps["diverged"].tolist() == [False] * 6 + [True]
    turned = taken(table.assign(loss=-table["loss"]), maximize=True)
    assert turned.steps["diverged"].tolist() == [False] * 6 + [True]


def test_lambdas_spelled_differently_are_one():
    table = made_up_sweep()
    spelled = table["lambda"].map(str)
    spelled[table["seed"] == 1] = table["lambda"].map("{:e}".format)
    study = taken(table.assign(**{"lambda": spelled}))
    assert study.steps["lambda"].tolist() == list(LAMBDAS)
    rounded = table["lambda"] * (1 + 1e-13 * (table["seed"] == 1))
    study = taken(table.assign(**{"lambda": rounded}))
    assert study.steps["lambda"].tolist() == list(LAMBDAS)
    assert "7 lambdas that differ by rounding alone are one with their neighbour" in notes(study)


def test_zero_is_left_out_of_a_log_scale_and_said():
    study = taken(made_up_sweep(lambdas=(0.0, *LAMBDAS)))
    assert study.log
    assert "lambda = 0 has no place on a log scale: its 6 runs are left out" in notes(study)
    assert study.steps["lambda"].min() == 1
    linear = taken(made_up_sweep(lambdas=(0.0, *LAMBDAS)), spacing="linear")
    assert linear.steps["lambda"].min() == 0


@pytest.mark.parametrize(
    ("lambdas", "log"),
    [
        ((0, 1, 2, 3, 4), False),
        ((1, 2, 3, 4, 5), False),
        ((2, 4, 8, 16), True),
        (LAMBDAS, True),
        ((4, 20, 40, 60, 80, 100), True),
        ((0, 1, 10, 100, 1000), True),
    ],
)
def test_the_scale_is_that_of_the_lambdas(lambdas, log):
    assert taken(made_up_sweep(lambdas=tuple(map(float, lambdas)))).log == log


@pytest.mark.parametrize(
    ("measure", "values", "label", "first"),
    [
        ("accuracy", [0.5, 0.9, 0.7], "1 \N{MINUS SIGN} accuracy", 0.5),
        ("val_acc", [50.0, 90.0, 70.0], "\N{MINUS SIGN} val_acc", -50.0),
        ("loss", [0.5, 0.9, 0.7], "loss", 0.5),
    ],
)
def test_what_is_to_be_high_is_known_by_its_name(measure, values, label, first):
    study = taken(pd.DataFrame({"lambda": [1.0, 10.0, 100.0], measure: values}))
    assert study.sweep["measure"] == label
    assert study.measures(study.steps)[0, 0] == first
    assert "is better (--" in notes(study)


def test_maximize_decides_whatever_the_name_is():
    table = pd.DataFrame({"lambda": [1.0, 10.0, 100.0], "accuracy": [0.5, 0.9, 0.7]})
    assert taken(table, maximize=False).sweep["measure"] == "accuracy"
    assert "is better" not in notes(taken(table, maximize=True))


def test_trials_are_numbered_in_order_of_their_names():
    parts = [made_up_sweep(start=k).assign(trial=name) for k, name in enumerate("ba")]
    study = taken(pd.concat(parts))
    assert study.trials == [0, 1]
    assert study.sweep["trials"] == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loss": "?"}, r"column loss, row 3: '\?' is no number \(1 such cells\)"),
        ({"lambda": "1,5"}, r"column lambda, row 3: '1,5' is no number"),
        ({"lambda": None}, r"column lambda \(lambda\) is empty in row 3"),
        ({"lambda": -1.0}, r"column lambda \(lambda\) is below 0 or above 1e\+30 in row 3"),
        ({"lambda": np.inf}, r"is below 0 or above 1e\+30 in row 3"),
        ({"seed": None}, r"column seed is empty in row 3"),
        ({"seed": 1}, r"seed 1 stands twice at lambda = 1 \(row 2\).*--trial or --group"),
    ],
)
def test_a_cell_that_is_wrong_is_named(change, said):
    table = made_up_sweep().astype(object)
    for column, value in change.items():
        table.loc[2, column] = value
    with pytest.raises(StudyError, match=rf"t\.csv: .*{said}"):
        taken(table)


def test_two_lambdas_are_too_few():
    with pytest.raises(StudyError, match="2 lambdas with a measure; at least 3"):
        taken(made_up_sweep(lambdas=(1.0, 10.0)))


def test_pairs_without_seeds_are_refused():
    with pytest.raises(StudyError, match="pairs need a column of seeds"):
        taken(made_up_sweep().drop(columns="seed"), paired=True)


def test_the_jobs_that_draw_it_take_it_with_any_config():
    study = taken(made_up_sweep())
    check_config("study.h5", study.attributes["provenance"], {"trials": 5})


def test_the_study_file_gives_it_back(tmp_path):
    study = taken(made_up_sweep(pairs=False).drop(index=3))
    write_tables(tmp_path / "study.h5", study.tables, study.attributes)
    again = Study.read(tmp_path / "study.h5")
    assert again.sweep == study.sweep
    assert not again.paired
    np.testing.assert_array_equal(again.measures(again.steps), study.measures(study.steps))
