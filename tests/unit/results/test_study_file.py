"""The study file: fabricated runs written, read back and joined with their first task."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.results.run_tables import joined, read_tables, run_table, write_tables
from ewc_lambda.results.runs import Run
from ewc_lambda.results.study_file import Study, read_study
from ewc_lambda.store.records import write_hdf5

REPLICATES, TASKS, EPOCHS = 2, 2, 3
EVALUATIONS = 1 + TASKS * EPOCHS
SHARED = 1 + EPOCHS
CONFIG = {
    "replicates": 2,
    "study": "tiny",
    "importance": ["random", "fisher"],
    "spacing": "log",
    "epochs": EPOCHS,
    "evaluations_per_epoch": 1,
}


def curves(trial, value):
    """Losses of a run; runs of a trial share what they saw of the first task."""
    first = np.random.default_rng(trial).random((REPLICATES, SHARED, TASKS))
    later = np.random.default_rng([trial, int(1000 * value)]).random(
        (REPLICATES, EVALUATIONS - SHARED, TASKS)
    )
    return np.concatenate([first, later], axis=1)


def run(trial, value, **labels):
    loss = curves(trial, value)
    penalty = loss[:, :, 0] * value
    # There is none before the second task.
    penalty[:, :SHARED] = 0
    return Run(
        loss,
        1 - loss,
        penalty,
        np.arange(float(EVALUATIONS)),
        [1, 1 + EPOCHS],
        {"trial": trial, **labels, "lambda": value},
        {"base_model": "b" * 64},
    )


STEPS = [
    run(trial, value, importance=importance, round=0, step=step)
    for trial in (1, 0)
    for importance in ("fisher", "random")
    for step, value in enumerate((0.5, 5.0))
]
REFERENCES = [run(trial, 0.0, reference=name) for trial in (0, 1) for name in ("plain", "joint")]


def tables(shared=True):
    content = {
        "steps": run_table(STEPS, ["s"] * len(STEPS), SHARED if shared else 0),
        "references": run_table(REFERENCES, ["r"] * len(REFERENCES), SHARED if shared else 0),
        "rounds": {"trial": [0, 1], "round": [0, 0], "stop": ["last", "narrow"]},
    }
    if shared:
        firsts = [run(trial, 0.0) for trial in (0, 1)]
        content["first_tasks"] = {
            "trial": [0, 1],
            **{
                name: np.stack([getattr(first, name)[:, :SHARED] for first in firsts])
                for name in ("loss", "accuracy", "penalty")
            },
        }
    return content


@pytest.fixture(params=[True, False], ids=["shared first task", "whole runs"])
def path(request, tmp_path):
    attributes = {"content": "study", "config": CONFIG, "tasks": {"names": ["low", "high"]}}
    write_tables(tmp_path / "study.h5", tables(request.param), attributes)
    return tmp_path / "study.h5"


def test_a_study_is_read_as_it_was_written(path):
    study = Study.read(path)
    assert study.name == "tiny"
    assert study.log
    assert study.trials == [0, 1]
    assert study.tasks == ["low", "high"]
    assert study.evaluations_per_task == EPOCHS
    assert study.config == CONFIG
    # In the order of the config, not of the rows.
    assert study.importances == ["random", "fisher"]
    assert study.steps["lambda"].tolist() == [0.5, 5.0] * 4
    assert study.steps["sha256"].tolist() == ["s"] * 8
    assert study.rounds["stop"].tolist() == ["last", "narrow"]
    assert study.tests.empty


def test_measures_are_in_double_precision_and_of_the_rows_asked_for(path):
    study = Study.read(path)
    rows = study.steps[(study.steps["trial"] == 0) & (study.steps["importance"] == "random")]
    found = study.measures(rows)
    expected = np.stack(
        [
            curves(0, value)[:, 1:, 0].sum(axis=1) + curves(0, value)[:, 4:, 1].sum(axis=1)
            for value in (0.5, 5.0)
        ]
    )
    assert np.allclose(found, expected, rtol=1e-14, atol=0)


def test_reference_is_that_of_the_trial_and_name(path):
    study = Study.read(path)
    for trial in (0, 1):
        expected = run(trial, 0.0).measure
        assert np.array_equal(study.reference(trial, "plain"), expected)
    assert study.reference(2, "plain") is None
    assert study.reference(0, "other") is None


def test_curves_begin_with_the_base_model_whether_or_not_the_first_task_is_shared(path):
    study = Study.read(path)
    for row, step in enumerate(STEPS):
        for name in ("loss", "accuracy", "penalty"):
            found = study.curves("steps", row, name)
            written = getattr(step, name)
            assert found.shape == written.shape
            assert np.allclose(found, written, atol=1e-6)
    assert np.allclose(study.curves("references", 3, "loss"), REFERENCES[3].loss, atol=1e-6)


def test_the_tidy_table_has_a_row_per_step_and_replicate(path):
    frame = read_study(path)
    assert list(frame) == [
        *("trial", "importance", "round", "step", "lambda", "diverged", "replicate", "measure"),
        *("accuracy", "forgetting"),
    ]
    assert len(frame) == len(STEPS) * REPLICATES
    for number, row in frame.iterrows():
        step = STEPS[number // REPLICATES]
        for name in ("trial", "importance", "round", "step", "lambda"):
            assert row[name] == step.labels[name]
        assert row["replicate"] == number % REPLICATES
        assert row["measure"] == step.measure[number % REPLICATES]
    assert not frame["diverged"].any()
    assert isinstance(frame, pd.DataFrame)


def test_a_step_that_diverged_is_marked_and_kept():
    broken = run(0, 7.0, importance="fisher", round=0, step=2)
    broken.loss[1, -1, 0] = np.nan
    table = run_table([STEPS[0], broken], ["a", "b"])
    assert table["diverged"] == [False, True]
    assert np.isnan(table["measure"][1]).tolist() == [False, True]


def test_tables_are_joined_one_below_the_other():
    one, other = run_table(STEPS[:3], ["a"] * 3, SHARED), run_table(STEPS[3:], ["b"] * 5, SHARED)
    both = joined([one, {}, other])
    whole = run_table(STEPS, ["a"] * 3 + ["b"] * 5, SHARED)
    assert list(both) == list(whole)
    for name, values in whole.items():
        assert np.array_equal(both[name], np.asarray(values)), name
    assert joined([{}, {}]) == {}
    assert run_table([], []) == {}


def test_test_results_are_kept_where_all_runs_have_them():
    values = np.arange(4.0).reshape(2, 2)
    tested = {"test_loss": values, "test_accuracy": values + 1}
    full = [dataclasses.replace(reference, **tested) for reference in REFERENCES[:2]]
    assert np.array_equal(run_table(full, ["a", "b"])["test_loss"], [values, values])
    assert "test_loss" not in run_table([full[0], REFERENCES[1]], ["a", "b"])


def test_tables_survive_the_file_and_the_same_tables_are_the_same_bytes(tmp_path):
    for name in ("a.h5", "b.h5"):
        write_tables(tmp_path / name, tables(), {"content": "search"})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    found, attributes = read_tables(tmp_path / "a.h5")
    assert attributes["content"] == "search"
    assert set(found) == {"steps", "references", "rounds", "first_tasks"}
    assert found["steps"]["importance"].tolist() == [s.labels["importance"] for s in STEPS]


@pytest.mark.parametrize("read", [Study.read, read_study])
def test_a_sealed_file_that_is_no_study_is_refused(tmp_path, read):
    write_hdf5(tmp_path / "a.h5", {"steps/trial": np.zeros(2)}, {"content": "search"})
    with pytest.raises(StudyError, match=r"a\.h5: not a study file"):
        read(tmp_path / "a.h5")


@pytest.mark.parametrize("missing", ["config", "tasks"])
def test_a_study_without_what_each_has_is_refused(tmp_path, missing):
    attributes = {"content": "study", "config": {}, "tasks": {"names": []}}
    del attributes[missing]
    write_hdf5(tmp_path / "a.h5", {"steps/trial": np.zeros(2)}, attributes)
    with pytest.raises(BrokenFileError, match=rf"a\.h5: not what a study file holds.*{missing}"):
        Study.read(tmp_path / "a.h5")


@pytest.mark.parametrize("read", [Study.read, read_study])
def test_a_truncated_study_is_refused(path, read):
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BrokenFileError, match=r"study\.h5"):
        read(path)


def test_a_step_that_lost_a_race_is_filled_up_and_read_as_what_it_has(tmp_path):
    short = dataclasses.replace(
        STEPS[1],
        loss=STEPS[1].loss[:1],
        accuracy=STEPS[1].accuracy[:1],
        penalty=STEPS[1].penalty[:1],
    )
    broken = run(1, 9.0, importance="fisher", round=0, step=2)
    broken.loss[1, -1, 0] = np.nan
    runs = [STEPS[0], short, broken]
    content = tables()
    content["steps"] = joined([run_table([each], ["s"], SHARED) for each in runs])
    assert content["steps"]["replicates"].tolist() == [2, 1, 2]
    attributes = {"content": "study", "config": CONFIG, "tasks": {"names": ["low", "high"]}}
    write_tables(tmp_path / "study.h5", content, attributes)
    study = Study.read(tmp_path / "study.h5")
    found = study.measures(study.steps)
    assert np.array_equal(found[0], STEPS[0].measure)
    assert found[1, 0] == STEPS[1].measure[0]
    # What was not trained is no divergence.
    assert np.isnan(found[1, 1])
    assert np.isinf(found[2, 1])
    assert study.replicates("steps").tolist() == [2, 1, 2]
    assert study.replicate_range == (1, 2)
    assert np.allclose(study.curves("steps", 1, "loss"), short.loss, atol=1e-6)
    # Whatever its mean: it is over other replicates than that of the others.
    assert study.best_row(study.steps) == 0
    assert study.best_row(study.steps.iloc[2:]) is None
    frame = read_study(tmp_path / "study.h5")
    assert frame[["step", "replicate"]].to_numpy().tolist() == [
        [0, 0],
        [0, 1],
        [1, 0],
        [2, 0],
        [2, 1],
    ]
