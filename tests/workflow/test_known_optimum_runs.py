"""The studies of benchmarks/known_optimum.py are those that Snakemake runs."""

import known_optimum
import numpy as np
import pytest
from known_optimum import Case
from scratch import Scratch

from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.results.study_file import Study

pytestmark = pytest.mark.workflow
CASES = [Case(1.0, 1.0, 2, 1, seed=3), Case(4.0, 0.1, 3, 4, seed=4), Case(0.5, 1.0, 2, 4, seed=5)]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return Scratch.create(tmp_path_factory.mktemp("known_optimum") / "project")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"seed {case.seed}")
def test_snakemake_makes_the_study_that_the_benchmark_makes(scratch, tmp_path, case):
    files = known_optimum.run(case, tmp_path)
    config = case.config(tmp_path / "pools.npz") | {"study": f"known_{case.seed}"}
    scratch.configure(**config)
    scratch.finish()
    found = scratch.study / "study.h5"
    ours, theirs = (Study.read(path).tables["steps"] for path in (found, files.record("study")))
    for column in ("lambda", "judged"):
        np.testing.assert_array_equal(ours[column], theirs[column])
    (by_rules,), (alone,) = (
        tuple(answer_study(open_study(path))) for path in (found, files.record("study"))
    )
    assert by_rules.recommendation.use == alone.recommendation.use
