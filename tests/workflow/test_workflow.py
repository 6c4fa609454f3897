"""The workflow as a user runs it: small studies from the config to the figures."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
from scratch import ROOT, Done, Scratch, kinds, trained, with_figures

pytestmark = pytest.mark.workflow

MNIST = ROOT.parent / "shared" / "data"
needs_mnist = pytest.mark.skipif(
    not (MNIST / "mnist").is_dir(), reason="the MNIST files are not in ../shared/data"
)
FIGURES = (
    "measure_over_lambda",
    "accuracy_over_lambda",
    "regret",
    "bracket",
    "curves",
    "importance",
)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*"))
    }


def planned(done: Done) -> dict[str, int]:
    """Jobs by rule, from the table of a dry-run."""
    table = done.text.split("Job stats:", 1)[1].split("\n\n", 1)[0]
    return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished study's project."""
    return finished.copy(tmp_path / "project")


def test_lint_finds_nothing():
    done = Scratch(ROOT).run("--lint")
    (ROOT / "snakemake.out").unlink()
    assert done.status == 0, done.text
    assert "Congratulations" in done.text


def test_the_default_study_makes_a_plan(tmp_path):
    scratch = with_figures(Scratch.create(tmp_path / "project"))
    shutil.copy2(ROOT / "config/config.yaml", scratch.folder / "config")
    done = scratch.run("--dry-run")
    assert done.status == 0, done.text
    plan = planned(done)
    # A dry-run knows of round 0 of the trials before the first look only.
    assert plan["train_step"] == 3 * 9 + 2 * 5
    assert plan["train_first_task"] == plan["create_base_model"] == 5
    assert plan["train_reference"] == 2 * 5


def test_the_published_set_up_has_17_trials_of_20_steps(tmp_path):
    scratch = with_figures(Scratch.create(tmp_path / "project"))
    done = scratch.run("--dry-run", "--configfile", "config/studies/published.yaml")
    assert done.status == 0, done.text
    plan = planned(done)
    assert plan["train_step"] == 17 * 20
    # Independent randomness shares no first task.
    assert "train_first_task" not in plan


@needs_mnist
def test_the_published_set_up_runs_with_fewer_epochs_and_samples(tmp_path):
    scratch = with_figures(Scratch.create(tmp_path / "project"))
    done = scratch.run(
        "--configfile",
        "config/studies/published.yaml",
        "--config",
        f"data_folder={MNIST}",
        "trials=1",
        "steps=4",
        "epochs=1",
        "samples_per_task=40",
        "test_samples=30",
        "importance_samples=10",
    )
    assert done.status == 0, done.text
    assert kinds(done.jobs)["Trial N, fisher, round N: train lambda step N"] == 4
    assert (scratch.folder / "results/published/study.h5").exists()


def test_every_figure_is_drawn(finished):
    figures = finished.study / "figures"
    names = {f"{name}.{ending}" for name in FIGURES for ending in ("png", "svg")}
    assert names <= set(digests(figures))


def test_a_run_says_how_far_it_is(finished):
    """After each step: its search, the study, and the best lambda once a round is decided."""
    text = min((finished.folder / ".snakemake/log").glob("*.log")).read_text()
    lines = [line for line in text.splitlines() if re.search(r"Study: \d+ of about", line)]
    # Two searches of one or two rounds, each of 4 steps and a decision.
    assert len(lines) == sum(
        line.startswith("Finished jobid")
        for line in text.splitlines()
        if "train_step" in line or "decide_round" in line
    )
    for name in ("fisher", "sign_flipping"):
        own = [line for line in lines if line.startswith(f"Trial 0, {name}: ")]
        # Two steps may end before the line of the first.
        assert re.search(r"round 0, [1-4] of 4 steps. Study: ", own[0])
        assert "finished after" in own[-1]
        assert "best so far lambda = " in own[-1]
    assert re.search(r"Study: \d+ of about \d+ steps, about \d+ (s|min) of training left", lines[0])
    trained, expected = re.findall(r"Study: (\d+) of about (\d+) steps", lines[-1])[0]
    assert trained == expected


def test_a_second_run_does_nothing(project):
    done = project.finish()
    assert not done.jobs
    assert "Nothing to be done" in done.text


def test_figures_and_tables_come_from_the_study_file_alone(finished, tmp_path):
    alone = with_figures(finished.blank(tmp_path / "project"))
    alone.study.mkdir(parents=True)
    shutil.copy(finished.study / "study.h5", alone.study)
    done = alone.run("figures", "tables")
    assert done.status == 0, done.text
    assert not trained(done.jobs)
    assert digests(alone.study / "figures") == digests(finished.study / "figures")
    assert digests(alone.study / "tables") == digests(finished.study / "tables")
    assert alone.run("figures").jobs == {}


def test_a_figure_or_a_table_more_is_an_entry_and_a_file(finished, tmp_path):
    alone = with_figures(finished.blank(tmp_path / "project"))
    alone.study.mkdir(parents=True)
    shutil.copy(finished.study / "study.h5", alone.study)
    reporting = alone.folder / "workflow/scripts/ewc_lambda/reporting"
    captions = alone.folder / "workflow/report"
    contents = (reporting / "contents.py").read_text()
    for entry in ('"bracket": "bracket over rounds",', '"lambdas.csv": "lambdas",'):
        assert entry in contents
        more = re.sub(r'"(bracket|lambdas)', '"more', entry, count=1)
        contents = contents.replace(entry, f"{entry} {more}")
    (reporting / "contents.py").write_text(contents)
    shutil.copy(reporting / "plotting/bracket.py", reporting / "plotting/more.py")
    shutil.copy(reporting / "tables/lambdas.py", reporting / "tables/more.py")
    (captions / "figures/more.rst").write_text("One figure more.")
    (captions / "tables/more.csv.rst").write_text("One table more.")
    done = alone.run("figures", "tables")
    assert done.status == 0, done.text
    figures, tables = digests(alone.study / "figures"), digests(alone.study / "tables")
    for kind in ("png", "svg"):
        assert figures[f"more.{kind}"] == figures[f"bracket.{kind}"]
    assert tables["more.csv"] == tables["lambdas.csv"]
    done = alone.run("figures", "tables", "--report", "report.html")
    assert done.status == 0, done.text
    report = (alone.folder / "report.html").read_text()
    assert "One figure more." in report
    assert "One table more." in report

    # A figure is drawn anew when its own file changes, the others stand.
    with (reporting / "plotting/more.py").open("a") as file:
        file.write("CHANGED = True\n")
    assert alone.run("figures", "tables").jobs == {"Figure: more": 1}
    with (reporting / "tables/more.py").open("a") as file:
        file.write("CHANGED = True\n")
    assert [job[:6] for job in alone.run("figures", "tables").jobs] == ["Tables"]


def test_one_core_and_two_give_the_same_bytes(finished, tmp_path):
    other = finished.blank(tmp_path / "project")
    other.arguments = ["--cores", "1"]
    other.finish()
    assert other.digest() == finished.digest()


def test_more_trials_train_the_new_ones_only(project):
    done = project.run("--config", "trials=2")
    assert done.status == 0, done.text
    assert trained(done.jobs)
    assert all(message.startswith("Trial 1") for message in trained(done.jobs))
    assert not [message for message in done.jobs if message.startswith("Trial 0")]


def test_another_importance_measure_leaves_the_others_steps_alone(project):
    project.configure(importance=["fisher", "sign_flipping", "weight_decay"])
    done = project.finish()
    steps = [message for message in trained(done.jobs) if "lambda step" in message]
    assert steps
    assert all("weight_decay" in message for message in steps)
    assert not list(project.study.rglob("*.broken"))
    assert not project.finish().jobs


def test_a_changed_threshold_trains_no_step_again(project):
    done = project.run("--config", "termination_threshold=100")
    assert done.status == 0, done.text
    assert not trained(done.jobs)


def test_independent_randomness_runs_to_the_end(tmp_path):
    scratch = with_figures(
        Scratch.create(tmp_path / "project", randomness="independent", max_rounds=1)
    )
    done = scratch.finish()
    assert not [message for message in done.jobs if "first task" in message]


def test_several_steps_in_a_job_make_the_same_files(finished, tmp_path):
    scratch = finished.blank(tmp_path / "project")
    done = scratch.run("--config", "steps_per_job=round")
    assert done.status == 0, done.text
    made = sorted(p.relative_to(scratch.study) for p in scratch.study.rglob("step_*"))
    assert made == sorted(p.relative_to(finished.study) for p in finished.study.rglob("step_*"))
    assert not list(scratch.study.rglob(".finished/*"))
    assert not scratch.run("--config", "steps_per_job=1").jobs


def test_without_weights_there_is_a_study_and_no_test_evaluation(tmp_path):
    scratch = with_figures(Scratch.create(tmp_path / "project", save_weights=False, max_rounds=1))
    done = scratch.finish()
    assert not list(scratch.study.rglob("step_*.safetensors"))
    assert not [message for message in done.jobs if "test split" in message]


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("stepz=5", "stepz"),
        ("steps=3", "steps"),
        ("epochs=many", "epochs"),
        ("learning_rate=-1", "learning_rate"),
        ("tasks=[[0,1],[2,11]]", "tasks"),
        ("tasks=[[0,0],[1,2]]", "tasks"),
        ("low_range=[0,1]", "low_range"),
        ("low_range=[10,1]", "low_range"),
        ("high_range=[2,3]", "low_range"),
        ("dataset=mnst", "dataset"),
        ("study=../../elsewhere", "study"),
    ],
)
def test_a_wrong_config_ends_before_training_with_one_message(tmp_path, given, key):
    scratch = Scratch.create(tmp_path / "project")
    done = scratch.run("--config", given)
    assert done.status != 0
    assert not done.jobs
    assert re.search(rf"config: {key}", done.text), done.text
    assert "Traceback" not in done.text


def test_a_key_that_is_given_twice_ends_before_training_with_one_message(tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    (scratch.folder / "mine.yaml").write_text("epochs: 1\nepochs: 2\n")
    done = scratch.run("--configfile", "mine.yaml")
    assert done.status != 0
    assert not done.jobs
    assert "mine.yaml: epochs is given twice, in line 1 and in line 2" in done.text
    assert "Traceback" not in done.text


def test_a_config_of_json_may_be_indented_by_tabs(tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    (scratch.folder / "mine.json").write_text('{\n\t"study": "mine",\n\t"trials": 2\n}\n')
    done = scratch.run("--dry-run", "--configfile", "mine.json")
    assert done.status == 0, done.text
    assert planned(done)["create_base_model"] == 2


def test_numbers_and_lists_on_the_command_line_are_numbers(project):
    """What the config file says, said again on the command line, is no reason to run a job."""
    done = project.run("--config", "hidden=[8]", "low_range=[1,10]", "samples_per_task=null")
    assert done.status == 0, done.text
    assert not done.jobs


def test_a_missing_data_file_is_named_with_what_to_do(tmp_path):
    scratch = Scratch.create(tmp_path / "project", dataset="npz", npz_file="mine.npz")
    done = scratch.run()
    assert done.status != 0
    assert not trained(done.jobs)
    assert "mine.npz" in done.text
    assert "Traceback" not in done.text
