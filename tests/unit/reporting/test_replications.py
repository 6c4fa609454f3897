"""Published numbers beside ours: the page, its targets, and what is asked before a run."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ewc_lambda.command.replications import needs
from ewc_lambda.config.study_config import load
from ewc_lambda.errors import StudyError
from ewc_lambda.inference.against_published import crossings, difference, of_trials, published
from ewc_lambda.reporting.halving import Grid
from ewc_lambda.reporting.replications import Curve, compare, curve
from ewc_lambda.reporting.replications_page import replications
from ewc_lambda.reporting.shifts import measured, predicted
from ewc_lambda.results.study_file import Study
from ewc_lambda.results.targets import COLUMNS, read_targets
from ewc_lambda.store.front import read_front

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "results/reference"
OWN = REFERENCE / "replications"
STUDIES = sorted(OWN.glob("*/study.h5"))
TARGETS = ROOT / "replications/targets.csv"


def test_the_page_is_that_of_the_studies_and_targets():
    page = (ROOT / "docs/replications.md").read_text()
    assert page == replications(ROOT / "replications", REFERENCE), "run: ewc-lambda replications"
    assert "{{" not in page


@pytest.mark.parametrize("target", read_targets(TARGETS), ids=lambda target: target.name)
def test_a_study_answers_each_target(target):
    (found,) = compare([target], OWN)
    assert math.isfinite(found.ours.value), target.name


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.parent.name)
def test_a_committed_study_is_small_and_the_one_that_its_config_runs(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    read_front(path)
    assert path.stat().st_size < 2_000_000
    config = load(f"config/studies/replications/{path.parent.name}.yaml")
    stored = Study.read(path).config
    assert stored == {key: config[key] for key in stored}


def row(**changes):
    values = {
        "source": "hsu",
        "study": "hsu_task",
        "importance": "fisher_predicted",
        "quantity": "accuracy",
        "lambda": "200",
        "published": "97.70",
        "error": "0.81",
        "error_is": "sd",
        "runs": "10",
    } | changes
    return ",".join(COLUMNS) + "\n" + ",".join(values[name] for name in COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"study": "nobody"}, r"row 2 \(nobody, fisher_predicted, accuracy\) .* no study"),
        ({"importance": "random"}, "row 2 .* has no importance measure"),
        ({"lambda": "7"}, "row 2 .* has no lambda 7"),
        ({"quantity": "beauty"}, "row 2: quantity 'beauty'. Allowed: accuracy"),
        ({"error_is": "guess"}, "row 2: error_is 'guess'. Allowed: sd"),
        ({"published": "many"}, "row 2: could not convert"),
    ],
)
def test_a_row_that_cannot_be_answered_is_told_by_name(tmp_path, changes, said):
    table = tmp_path / "targets.csv"
    table.write_text(row(**changes))
    with pytest.raises(StudyError, match=said):
        compare(read_targets(table), OWN)


def test_a_table_of_other_columns_says_which_it_needs(tmp_path):
    table = tmp_path / "targets.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(StudyError, match="its columns must be source, study"):
        read_targets(table)


def test_an_accuracy_is_the_mean_over_the_trials_at_that_lambda(tmp_path):
    table = tmp_path / "targets.csv"
    table.write_text(row())
    (found,) = compare(read_targets(table), OWN)
    study = Study.read(OWN / "hsu_task/study.h5")
    steps = study.tables["steps"]
    at = np.isclose(steps["lambda"], 200)
    # Accuracy of each task after the last update, by another way than `judged`.
    ends = 100 * steps["accuracy"][at][:, :, -1].mean(axis=(1, 2))
    assert found.ours.value == pytest.approx(ends.mean(), abs=1e-4)
    assert found.ours.n == len(study.trials) == len(ends)
    assert found.theirs.half == pytest.approx(0.81 / math.sqrt(10) * stats.t.ppf(0.975, 9))
    assert found.apart.value == pytest.approx(found.ours.value - 97.70)


def test_halves_of_intervals_are_those_of_student():
    values = [1.0, 2.0, 4.0]
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    found = of_trials(values)
    assert (found.value - found.half, found.value + found.half) == pytest.approx((low, high))
    assert math.isnan(of_trials([1.0]).half)
    assert published(5, 0.3, "reading", 9).half == published(5, 0.3, "half", 9).half == 0.3
    assert published(5, 0.3, "sem", 9).half == published(5, 0.9, "sd", 9).half
    apart = difference(found, published(2, 0.4, "half", 9))
    assert apart.half == pytest.approx(math.hypot(found.half, 0.4))


def test_a_crossing_lies_on_the_line_between_two_lambdas():
    found = crossings([1, 10, 100], [[80, 90, 94], [93, 95, 96], [1, 2, 3], [90, 94, 91]], 92)
    np.testing.assert_allclose(found, [1.5, np.nan, np.nan, 0.5])
    found = crossings([1, 10, 100], [[80, 90, 94], [80, 90, 94]], [92, 85])
    np.testing.assert_allclose(found, [1.5, 0.5])


def test_a_shift_is_measured_halfway_and_predicted_from_sums():
    lambdas = np.array([1.0, 10, 100, 1000])
    first = Curve(lambdas, np.array([[80.0, 90, 100, 100]]), np.array([80.0]))
    later = Curve(lambdas, np.array([[80.0, 80, 90, 100]]), None)
    np.testing.assert_allclose(measured(later, first), [1.0])
    assert np.isnan(measured(first, later)).all()
    sizes = pd.DataFrame({"fisher_exact": [1.0, 10], "fisher_batched": [0.1, 0.1]})
    np.testing.assert_allclose(predicted(sizes, "fisher_batched", "fisher_exact"), [1, 2])


def test_trials_that_lack_a_reference_line_have_no_plain_accuracy():
    path = OWN / "hsu_task/study.h5"
    assert curve(Study.read(path), "fisher_predicted").plain is not None


def test_the_rule_of_thumb_takes_the_greatest_lambda_that_learns_the_new_task():
    grid = Grid(
        np.array([1.0, 2.0, 4.0, 8.0]),
        np.array([[4.0, 2.0, 3.0, 8.0], [5.0, 4.0, 2.0, 6.0]]),
        np.array([[0.99, 0.95, 0.79, 0.2], [0.99, 0.98, 0.9, 0.85]]),
        np.array([1.0, 1.0]),
    )
    assert grid.by_halving() == [1, 3]
    assert grid.by_halving(0.999) == [3, 3]
    np.testing.assert_allclose(grid.lost(grid.by_halving()), [0.0, 2.0])
    assert grid.by_others() == [2, 1]
    np.testing.assert_allclose(grid.lost(grid.by_others()), [0.5, 1.0])
    np.testing.assert_allclose(grid.lost_by_one_other(), [0.5, 1.0])


def test_what_a_replication_needs_is_said_before_it_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    said = needs("hsu_task", str(tmp_path))
    assert said.startswith("mnist: train-images-idx3-ubyte.gz, ")
    assert f"not in {tmp_path}; downloaded from https://" in said
    (tmp_path / "mnist").mkdir()
    for name in ("train-images", "t10k-images"):
        (tmp_path / f"mnist/{name}-idx3-ubyte.gz").touch()
    for name in ("train-labels", "t10k-labels"):
        (tmp_path / f"{name}-idx1-ubyte").touch()
    assert needs("hsu_task", str(tmp_path)) == ""
    assert needs("splits_digits", str(tmp_path)) == ""
    with pytest.raises(StudyError, match=r"^nobody: no such replication. There are hsu_class"):
        needs("nobody", str(tmp_path))
