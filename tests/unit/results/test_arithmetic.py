"""Runs of one trial that were computed on two kinds of processor are named."""

import numpy as np
import pytest
from made_up_studies import made_up_study

from ewc_lambda.reporting.summary import summary
from ewc_lambda.results.arithmetic import mixed_arithmetic, study_arithmetic
from ewc_lambda.results.run_tables import run_table
from ewc_lambda.results.runs import Run, read_run, write_run

OLD, NEW = "X86_V3, torch AVX2", "AVX512_ICL, torch AVX512"


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [(0, NEW)],
        [(0, NEW), (0, NEW), (1, NEW)],
        [(0, OLD), (1, NEW)],  # Trials are not compared lambda by lambda.
        [(0, ""), (0, NEW)],  # Older runs do not say.
    ],
)
def test_runs_that_were_computed_alike_within_each_trial(runs):
    assert mixed_arithmetic(runs) is None


def test_two_kinds_within_a_trial_are_named_with_their_numbers_of_runs():
    said = mixed_arithmetic([(1, NEW), (0, NEW), (1, OLD), (1, NEW)])
    assert f"in trial 1 ({NEW}: 2; {OLD}: 1): small differences" in said
    assert "trial 0" not in said
    assert "\n" not in said


def test_of_many_trials_the_first_are_named():
    said = mixed_arithmetic([(trial, kind) for trial in range(9) for kind in (OLD, NEW)])
    assert "trial 2 (" in said
    assert "trial 3" not in said
    assert "6 more" in said


@pytest.fixture
def runs(tmp_path):
    """Two steps of one trial, from two kinds of processor."""
    written = []
    for step, kind in enumerate((OLD, NEW)):
        run = Run(
            loss=np.ones((1, 2, 1)),
            accuracy=np.ones((1, 2, 1)),
            penalty=np.zeros((1, 2)),
            epoch=np.arange(2.0),
            introduced=[1],
            labels={"trial": 0, "step": step},
            origin={},
        )
        made_by = {"code_sha256": "c", "config": {}, "arithmetic": kind}
        path = tmp_path / f"step_{step}.h5"
        write_run(path, run, made_by)
        written.append(path)
    return [read_run(path) for path in written]


def test_a_run_and_a_table_of_runs_keep_it(runs):
    assert [run.arithmetic for run in runs] == [OLD, NEW]
    assert run_table(runs, ["a", "b"])["arithmetic"] == [OLD, NEW]


def test_a_study_says_so_in_its_summary(tmp_path):
    study = made_up_study(tmp_path / "study.h5", trials=2)
    # Study files from before it was kept do not say.
    assert study_arithmetic(study) is None
    assert "arithmetic" not in summary(study)
    kinds = [NEW] * len(study.steps)
    study.tables["steps"]["arithmetic"] = kinds
    assert study_arithmetic(study) is None
    kinds[-1] = OLD
    said = study_arithmetic(study)
    assert "in trial 1 (" in said
    assert said in summary(study).splitlines()
