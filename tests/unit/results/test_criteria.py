"""By what a lambda is chosen: by hand, and through whole studies."""

from pathlib import Path

import numpy as np
import pytest
from in_process import files_of, run

from ewc_lambda.config.study_config import resolve
from ewc_lambda.errors import StudyError
from ewc_lambda.reporting.summary import summary
from ewc_lambda.results.criteria import CRITERIA, criterion
from ewc_lambda.results.runs import read_run
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.riemann import riemann_measure
from ewc_lambda.store.records import read_json
from ewc_lambda.upkeep.integrity import Integrity

# Two replicates, the base model and two evaluations of each of two tasks.
ACCURACY = np.array(
    [
        [[0.1, 0.2], [0.5, 0.2], [0.9, 0.3], [0.8, 0.6], [0.6, 0.8]],
        [[0.1, 0.2], [0.4, 0.2], [0.7, 0.3], [0.7, 0.5], [0.7, 0.5]],
    ]
)
LOSS = 2 - ACCURACY
INTRODUCED = [1, 3]
MEASURE = riemann_measure(LOSS, INTRODUCED, 0.5)


def judged(name, measure=MEASURE):
    return criterion(name, measure, LOSS, ACCURACY, INTRODUCED)


def test_criteria_by_hand():
    assert judged("measure") is MEASURE
    assert judged("final_loss") == pytest.approx([2 - (0.6 + 0.8) / 2, 2 - (0.7 + 0.5) / 2])
    assert judged("final_accuracy") == pytest.approx([0.3, 0.4])
    # After the first task of it alone, after the second of both.
    expected = [1 - (0.9 + 0.7) / 2, 1 - (0.7 + 0.6) / 2]
    assert judged("average_accuracy") == pytest.approx(expected)


@pytest.mark.parametrize("name", CRITERIA)
def test_a_replicate_that_diverged_is_never_the_best(name):
    found = judged(name, np.array([np.inf, 1.0]))
    assert not np.isfinite(found[0])
    assert np.isfinite(found[1])


def test_the_schema_names_the_criteria():
    for name in CRITERIA:
        assert resolve({"select_by": name})["select_by"] == name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"racing": True, "select_by": "final_loss"}, "racing: drops steps by the Riemann measure"),
        (
            {
                "select_by": "final_accuracy",
                "dataset": "function",
                "tasks": [{"family": "sine"}],
                "loss": "mean_squared_error",
            },
            "select_by: final_accuracy needs classes",
        ),
        ({"select_by": "accuracy"}, "select_by: "),
    ],
)
def test_what_does_not_go_together(changes, message):
    with pytest.raises(StudyError, match=f"^{message}"):
        resolve(changes)


@pytest.fixture(scope="module", params=list(CRITERIA))
def study(request, tmp_path_factory):
    files = files_of(
        tmp_path_factory.mktemp("study"),
        {"select_by": request.param, "epochs": 3, "learning_rate": 0.02, "trials": 2},
    )
    run(files)
    return request.param, files, Study.read(files.record("study"))


def test_a_round_is_decided_by_it(study):
    by, files, _ = study
    for trial in range(2):
        place = {"trial": trial, "importance": "fisher", "round": 0}
        decision = read_json(files.product("decision", **place).record)
        runs = [read_run(p.record) for p in files.round(place, 0) if p.kind == "step"]
        expected = [criterion(by, r.measure, r.loss, r.accuracy, r.introduced).mean() for r in runs]
        assert decision["measures"] == pytest.approx(expected)
        assert decision["optimum_step"] == int(np.argmin(expected))


def test_verify_follows_the_decisions(study):
    by, files, _ = study
    integrity = Integrity(Path(files.folder).parent, files.config)
    integrity.check()
    assert integrity.findings == [], by


def test_the_study_is_judged_by_it(study):
    by, files, found = study
    assert found.select_by == by
    rows = found.steps
    values = found.measures(rows)
    for place, row in enumerate(rows.index):
        assert values[place] == pytest.approx(found.judged(row, by), abs=1e-6)
    reference = read_run(files.product("reference", trial=1, reference="joint").record)
    assert found.reference(1, "joint") == pytest.approx(reference.judged(by))


def test_the_answers_by_the_others_stand_beside_it(study):
    by, _, found = study
    said = summary(found)
    lines = {
        "measure": "  by the measure ",
        "final_loss": "  by final loss ",
        "final_accuracy": "  by accuracy ",
        "average_accuracy": "  by average acc. ",
    }
    own = lines.pop(by)
    if by == "measure":
        assert "Chosen and judged by" not in said
        assert lines["final_accuracy"] in said
        assert "in loss x epochs" in said
        return
    assert f"Chosen and judged by: {CRITERIA[by]}." in said
    assert all(line in said for line in lines.values())
    assert own not in said
    assert "in loss x epochs" not in said
