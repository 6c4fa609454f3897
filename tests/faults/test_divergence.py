"""Trainings that diverge are results too: recorded, never chosen, and no reason to stop."""

import numpy as np
import pytest
from scratch import Scratch

from ewc_lambda.reporting.answers import answer_study
from ewc_lambda.reporting.summary import summary
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.rounds import ALL_DIVERGED, draw_bracket
from ewc_lambda.seeding import trial_generator
from ewc_lambda.store.records import read_json

# Beyond this, lambda is infinite in single precision.
OVERFLOW = 3.5e38
RANGES = {"low_range": [1, 1e60], "high_range": [1e61, 1e62]}


def lowest(seed, trial):
    generator = trial_generator(seed, trial, "bounds")
    return draw_bracket(RANGES["low_range"], RANGES["high_range"], "log", generator)[0]


def test_trial_in_which_all_steps_diverge(tmp_path):
    """The other trial goes on, and chooses among its steps that did not."""
    seed = next(s for s in range(99) if lowest(s, 0) > OVERFLOW and lowest(s, 1) < 1e6)
    project = Scratch.create(tmp_path / "project", trials=2, seed=seed, **RANGES)
    # The config refuses such lambdas for that reason. Here they stand for all that diverges.
    schema = project.folder / "workflow/schemas/config.schema.yaml"
    schema.write_text(schema.read_text().replace("maximum: 1.0e+30", "maximum: 1.0e+62"))
    project.finish()
    undisturbed = project.digest()
    study = Study.read(project.study / "study.h5")
    steps = study.steps
    assert steps[steps["trial"] == 0]["diverged"].all()
    assert 0 < steps[steps["trial"] == 1]["diverged"].sum() < (steps["trial"] == 1).sum()
    assert read_json(project.search / "round_0/decision.json")["stop"] == ALL_DIVERGED
    optima = study.rounds.set_index("trial")["optimum"]
    assert np.isnan(optima[0])
    assert (optima[1] < OVERFLOW).all()
    assert "Nothing to be done" in project.finish().text
    (project.search / "round_0/step_2.h5").unlink()
    (project.search / "round_0/decision.json").unlink()
    (project.study / "study.h5").unlink()
    project.finish()
    assert project.digest() == undisturbed


@pytest.mark.parametrize("racing", [False, True])
def test_training_that_always_diverges(tmp_path, racing):
    """Twenty layers at a rate of 100: the first task is lost already, and all that follows."""
    diverges = {"hidden": [8] * 20, "learning_rate": 100}
    project = Scratch.create(tmp_path / "project", racing=racing, replicates=4, **diverges)
    project.finish()
    study = Study.read(project.study / "study.h5")
    assert study.steps["diverged"].all()
    assert study.references["diverged"].all()
    assert set(study.rounds["stop"]) == {ALL_DIVERGED}
    assert answer_study(study).importances
    assert "no lambda at which every replicate stayed finite" in summary(study)
