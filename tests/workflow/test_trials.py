"""A study that decides itself how many trials it takes, run by Snakemake."""

from scratch import Scratch

from ewc_lambda.reporting.answers import open_study
from ewc_lambda.reporting.summary import summary
from ewc_lambda.search.looks import ALL_TRIALS, NARROW
from ewc_lambda.store.records import read_json

DECIDES = {
    "trials": 5,
    "target_width": 0.4,
    "min_trials": 3,
    "first_trials": 1,
    "low_range": "auto",
    "high_range": "auto",
    "steps": 8,
    "hidden": [16],
    "epochs": 15,
}


def test_it_ends_sure_or_says_what_it_would_take(tmp_path):
    """Whatever the cores, it has the same trials and the same bytes."""
    scratch = Scratch.create(tmp_path / "project", **DECIDES, steps_per_job="round")
    scratch.finish()
    looks = [read_json(path) for path in sorted(scratch.study.glob("look_*.json"))]
    trials = len(list(scratch.study.glob("trial_*")))
    assert looks[0]["trials"] == 3
    assert looks[-1]["trials"] == trials
    assert looks[-1]["stop"] in (NARROW, ALL_TRIALS)
    assert [look["next_trials"] for look in looks[:-1]] == [look["trials"] for look in looks[1:]]
    study = open_study(scratch.study / "study.h5")
    assert study.wanted_trials == len(study.trials) == trials
    said = summary(study)
    asked = "0.4 were asked for" in said or "at most 0.4 decades were asked for" in said
    assert asked, said

    alone = Scratch.create(tmp_path / "alone", **DECIDES, steps_per_job="round")
    alone.arguments = ["--cores", "1"]
    alone.finish()
    assert alone.digest() == scratch.digest()
    # Another width asks again, and trains what is missing alone.
    before = alone.finished()
    alone.configure(**DECIDES | {"target_width": 100.0}, steps_per_job="round")
    alone.finish()
    again = alone.finished() - before
    assert not any("train" in job for job in again), again
