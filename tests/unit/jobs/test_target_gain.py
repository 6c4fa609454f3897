"""A study that adds trials until the interval of its gain is as narrow as was asked."""

import in_process
import pytest

from ewc_lambda.inference.across_trials import study_gain
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.reporting.summary import summary
from ewc_lambda.results.searches import searches
from ewc_lambda.search.looks import ALL_TRIALS, LEVEL, NARROW_GAIN, STOPPED
from ewc_lambda.store.records import read_json

ASKS = {"trials": 8, "min_trials": 3, "first_trials": 1, "max_rounds": 1}


def made(tmp_path, **config):
    files = in_process.files_of(tmp_path, ASKS | config)
    products = in_process.run(files)
    return files, products, open_study(files.record("study"))


def gain_of(study, level):
    """Its interval over trials, from the file alone."""
    found = searches(study, "fisher")
    return study_gain(
        [each.wide_lambdas for each in found],
        [each.wide_measures for each in found],
        [each.measures for each in found],
        [study.reference(each.trial, "finetuning") for each in found],
        level=level,
    )


@pytest.mark.parametrize("references", [["finetuning"], ["finetuning", "joint"]])
def test_it_stops_by_the_interval_that_the_summary_prints(tmp_path, references):
    _, _, fixed = made(tmp_path / "fixed", trials=5, target_gain=None)
    three = [gain_of(fixed, STOPPED)]
    target = 0.75 * (three[0].high - three[0].low)
    files, products, study = made(tmp_path, target_gain=target, references=references)
    looks = [read_json(product.record) for product in files.look_files(files)]
    assert looks[0]["trials"] == 3
    assert [look["next_trials"] for look in looks[:-1]] == [look["trials"] for look in looks[1:]]
    assert looks[-1]["stop"] in (NARROW_GAIN, ALL_TRIALS)
    (answer,) = answer_study(study)
    assert len(study.trials) == study.wanted_trials == looks[-1]["trials"] == answer.gain.n
    assert answer.gain.level == STOPPED
    # What is not asked for is said at the level of a study that did not look at it.
    assert answer.distance.level == answer.recommendation.use.level == LEVEL
    assert looks[-1]["gains"] == {"fisher": pytest.approx(answer.gain.high - answer.gain.low)}
    at = gain_of(study, STOPPED)
    assert (at.low, at.high) == (answer.gain.low, answer.gain.high)
    assert (looks[-1]["gains"]["fisher"] <= target) is (looks[-1]["stop"] == NARROW_GAIN)
    assert f"{target:g} were asked for (target_gain)" in summary(study)
    assert all(look["widths"] == {} for look in looks)
    trained = [p for p in products if p.kind == "reference"]
    assert len(trained) == len(references) * len(study.trials)


def test_another_target_looks_again_and_trains_what_is_missing_alone(tmp_path):
    _, _, study = made(tmp_path, target_gain=1e-4, trials=4)
    assert study.looks[-1]["stop"] == ALL_TRIALS
    assert "about" in summary(study).splitlines()[1]
    _, products, wide = made(tmp_path, target_gain=1e9, trials=4)
    assert {product.kind for product in products} == {"look", "study"}
    assert (len(wide.trials), wide.looks[-1]["stop"]) == (3, NARROW_GAIN)


def test_both_targets_are_to_be_met(tmp_path):
    _, _, study = made(tmp_path, target_gain=1e9, target_width=1e-9, trials=5)
    assert study.looks[-1]["stop"] != NARROW_GAIN
    last = study.looks[-1]
    assert set(last["widths"]) == set(last["gains"]) == {"fisher"}
    (answer,) = answer_study(study)
    assert answer.gain.level == STOPPED


def test_without_it_a_look_says_nothing_of_the_gain(tmp_path):
    _, _, study = made(tmp_path, target_width=1e9, trials=4)
    assert all("gains" not in look for look in study.looks)
    (answer,) = answer_study(study)
    assert answer.gain.level == LEVEL
