"""What is made anew follows from what the files say: their recipe and what they were made from.
Neither times of modification nor Snakemake's records have a say, whoever runs it.
"""

import os
import re
import shutil
import time

import pytest
from scratch import Scratch, trained

FIRST = "Trial 0: train the first task once for all lambdas"


def forget(project: Scratch) -> None:
    """What a copy of the results alone does not bring along."""
    shutil.rmtree(project.folder / ".snakemake")


def asked(project: Scratch) -> str:
    """A run that ends with a question before anything is made, and a dry run that says the same."""
    before, kept = project.digest(), aside(project)
    done = project.run()
    assert done.status != 0
    assert not done.jobs
    assert "Traceback" not in done.text
    dry = project.run("-n")
    assert dry.status == 0
    for text in (done.text, dry.text):
        assert "holds a finished study" in text
        assert "--config replace=true" in text
        assert "--config study=NAME" in text
    assert project.digest() == before
    assert aside(project) == kept
    return dry.text


def aside(project: Scratch) -> list[str]:
    """What was set aside."""
    return sorted(str(path) for path in (project.study / "set_aside").rglob("*"))


def clean(finished: Scratch, folder, **config) -> str:
    """The digest of a study that was run from nothing."""
    other = finished.blank(folder)
    other.configure(**config)
    other.finish()
    return other.digest()


@pytest.mark.parametrize(
    ("key", "value", "old"), [("seed", 7, 1), ("epochs", 1, 2), ("learning_rate", 0.01, 0.001)]
)
def test_a_copied_study_does_not_answer_another_config(
    project, finished, tmp_path, key, value, old
):
    forget(project)
    project.configure(**{key: value})
    said = asked(project)
    lines = [line for line in said.splitlines() if line.endswith("Made anew.")]
    assert any(f"made with {key}: {old}, the config says {value}" in line for line in lines)
    assert any("trial_0/fisher/round_0/step_0.h5 and " in line for line in lines)
    done = project.run("--config", "replace=true")
    assert done.status == 0, done.text
    assert project.digest() == clean(finished, tmp_path / "clean", **{key: value})
    kept = project.study / "set_aside/1/trial_0/fisher/round_0/step_0.h5"
    reference = finished.search / "round_0/step_0.h5"
    assert kept.read_bytes() == reference.read_bytes()


def test_a_copied_study_gets_more_trials_and_nothing_else(project):
    forget(project)
    done = project.run("--config", "trials=2")
    assert done.status == 0, done.text
    assert trained(done.jobs)
    assert all(message.startswith("Trial 1") for message in trained(done.jobs))


def test_rounds_that_came_and_went_are_those_of_their_config(project, finished, tmp_path):
    """A grid that is younger than its steps tells nothing of them."""
    for rounds in (1, 2, 1):
        project.configure(max_rounds=rounds)
        done = project.finish()
        assert trained(done.jobs) == []
    forget(project)
    project.configure(epochs=1)
    asked(project)
    done = project.run("--config", "replace=true")
    assert done.status == 0, done.text
    assert FIRST in done.jobs
    assert project.digest() == clean(finished, tmp_path / "clean", epochs=1)


def test_code_that_changes_between_two_rounds_ends_the_run(fresh, finished):
    """The second round's jobs find other code than they were planned with."""
    adam = fresh.folder / "workflow/scripts/ewc_lambda/learning/adam.py"
    text = adam.read_text()
    running = fresh.start()
    assert running.watch((fresh.search / "round_0/decision.json").exists)
    adam.write_text(text.replace("EPSILON = 1e-8", "EPSILON = 1e-7"))
    done = running.wait()
    assert done.status != 0
    assert "the code changed while the study ran" in done.text
    assert "Traceback" not in done.text
    adam.write_text(text + "\n# A comment is no change.\n")
    fresh.finish()
    assert fresh.digest() == finished.digest()


def test_a_base_model_is_frozen_for_root_too(project):
    frozen = (project.study / "trial_0/base_model.safetensors").read_bytes()
    project.configure(hidden=[5])
    said = asked(project)
    assert "base_model.json: made with hidden: [8], the config says [5]" in said
    assert (project.study / "trial_0/base_model.safetensors").read_bytes() == frozen


def test_two_studies_whose_folders_were_exchanged(project, finished):
    other = project.study.with_name("other")
    project.configure(study="other", seed=2)
    project.finish()
    aside = project.study.with_name("aside")
    for source, target in ((project.study, aside), (aside.with_name("small"), other)):
        source.rename(target)
    aside.rename(aside.with_name("small"))
    said = asked(project)
    assert re.search(r"other/study.h5: .*study: small, the config says other", said)


def test_clocks_that_differ_delete_nothing(project, finished):
    """Files of a node whose clock is an hour ahead."""
    ahead = time.time() + 3600
    for path in (project.study / "trial_0/first_task.h5", project.study / "data.h5"):
        os.utime(path, (ahead, ahead))
    lost = project.search / "round_0/step_1.h5"
    lost.unlink()
    done = project.finish()
    assert trained(done.jobs) == ["Trial 0, fisher, round 0: train lambda step 1"]
    assert "Nothing to be done" in project.finish().text
    assert project.digest() == finished.digest()


def test_times_of_all_files_are_nothing(project):
    for number, path in enumerate(sorted(project.study.rglob("*"), reverse=True)):
        os.utime(path, (1e9 + number, 1e9 + number))
    assert "Nothing to be done" in project.finish().text


def test_a_round_that_was_deleted_is_made_again(project, finished):
    forget(project)
    shutil.rmtree(project.search / "round_1")
    done = project.finish()
    steps = [message for message in trained(done.jobs) if "round 1: train lambda step" in message]
    assert trained(done.jobs) == steps
    assert len(steps) == 4
    assert project.digest() == finished.digest()


def test_comments_and_formatting_of_code_are_nothing(project):
    scripts = project.folder / "workflow/scripts"
    for path in (scripts / "create_base_model.py", scripts / "ewc_lambda/learning/adam.py"):
        path.write_text("# A comment.\n" + path.read_text().replace("\n\n\n", "\n\n\n\n"))
    assert "Nothing to be done" in project.finish().text


def test_other_code_is_a_reason_and_asks(project):
    adam = project.folder / "workflow/scripts/ewc_lambda/learning/adam.py"
    adam.write_text(adam.read_text().replace("EPSILON = 1e-8", "EPSILON = 1e-7"))
    said = asked(project)
    assert re.search(r"step_0.h5 and \d+ like it: made by other code", said)
    assert not re.search(r"base_model.json.*: made by other code", said)


def test_a_change_and_its_way_back_train_only_what_is_new(project, finished):
    """What was set aside stays there; the way back makes the same bytes."""
    project.configure(learning_rate=0.01)
    assert project.run("--config", "replace=true").status == 0
    project.configure()
    assert project.run("--config", "replace=true").status == 0
    assert project.digest() == finished.digest()
    assert sorted(p.name for p in (project.study / "set_aside").iterdir()) == ["1", "2"]


def test_a_second_run_of_a_running_study_is_refused(fresh, finished):
    """Snakemake's own lock is gone as soon as any run in the folder ends."""
    running = fresh.start()
    assert running.watch((fresh.study / "data.h5").exists)
    done = fresh.start("--nolock", output="second.out").wait()
    assert done.status != 0
    assert "another run of this study is going on (process " in done.text
    assert not done.jobs
    assert running.wait().status == 0
    assert fresh.digest() == finished.digest()


def test_another_range_of_lambda_is_another_question(project):
    project.configure(low_range=[20, 30])
    assert re.search(r"step_\d.h5 and \d+ like it: trained at another lambda", asked(project))
