"""Published (lambda, measure) lists as a study file."""

import json

import numpy as np
import pytest

from ewc_lambda.errors import StudyError
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.results.published import import_published
from ewc_lambda.results.study_file import read_study
from ewc_lambda.store.provenance import check_config

TRIALS = [
    [[0.0, 5.0], [1.0, 3.0], [2.0, 4.0]],
    [[0.0, 6.0], [1.5, 2.0], [3.0, 4.0], [4.5, 4.5]],
    [[0.0, 7.0], [2.0, 3.5], [4.0, 3.0]],
]


def imported(tmp_path, content):
    source, target = tmp_path / "published.json", tmp_path / "study.h5"
    source.write_text(content if isinstance(content, str) else json.dumps(content))
    import_published(source, target, "published_data")
    return target


def test_every_point_is_a_step_of_one_replicate(tmp_path):
    frame = read_study(imported(tmp_path, TRIALS))
    assert len(frame) == 10
    assert set(frame["replicate"]) == {0}
    second = frame[frame["trial"] == 1]
    np.testing.assert_array_equal(second["lambda"], [0.0, 1.5, 3.0, 4.5])
    np.testing.assert_array_equal(second["measure"], [6.0, 2.0, 4.0, 4.5])


def test_points_are_sorted_by_lambda(tmp_path):
    shuffled = [list(reversed(points)) for points in TRIALS]
    frame = read_study(imported(tmp_path, shuffled))
    assert frame[frame["trial"] == 0]["lambda"].is_monotonic_increasing


def test_no_interval_is_invented_within_a_trial(tmp_path):
    answers = answer_study(open_study(imported(tmp_path, TRIALS)))
    (fisher,) = answers
    for trial in fisher.trials:
        assert trial.best.reason
        assert np.isnan(trial.best.low)
        assert not trial.resolved.resolved
    assert np.isfinite([fisher.best.low, fisher.best.high]).all()


def test_the_jobs_that_draw_it_take_it_with_any_config(tmp_path):
    study = open_study(imported(tmp_path, TRIALS))
    check_config("study.h5", study.attributes["provenance"], {"trials": 5})


def test_a_measure_that_is_not_finite_is_a_diverged_step(tmp_path):
    text = json.dumps([[[0.0, 1.0], [1.0, float("nan")]]] * 2)
    frame = read_study(imported(tmp_path, text))
    assert frame.loc[frame["lambda"] == 1.0, "diverged"].all()


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "{}",
        "[]",
        "[[]]",
        "[[[0, 1]]]",
        "[[[0, 1], [1]]]",
        '[[[0, 1], ["1", 2]]]',
        "[[[0, 1], [-1, 2]]]",
        "[[[0, 1], [0, 2]]]",
        "[[[0, 1], [NaN, 2]]]",
        f"[[[0, 1], [{10**400}, 2]]]",
        "[" * 100_000,
    ],
)
def test_another_form_is_refused_by_name(tmp_path, content):
    with pytest.raises(StudyError, match=r"published\.json"):
        imported(tmp_path, content)
    assert not (tmp_path / "study.h5").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"absent\.json: no such file"):
        import_published(tmp_path / "absent.json", tmp_path / "study.h5", "x")
