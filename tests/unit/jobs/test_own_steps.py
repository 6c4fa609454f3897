"""Whole studies that a user's own trainer trains: what is asked of it and what is made of it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from in_process import Named, files_of, run
from own_trainers import COMMAND, JOINT, OWN, TRAINER, WHOLE, written

from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.finished import Finished
from ewc_lambda.jobs.own_steps import train_steps
from ewc_lambda.jobs.step_files import step_files
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.reporting.contents import FIGURES
from ewc_lambda.reporting.plotting import (
    accuracy_over_lambda,
    bracket,
    curves,
    importance,
    measure_over_lambda,
    regret,
)
from ewc_lambda.reporting.summary import summary
from ewc_lambda.reporting.tables import make_tables
from ewc_lambda.results.sources import Sources
from ewc_lambda.results.sources import inputs as inputs_of
from ewc_lambda.results.study_file import Study
from ewc_lambda.store.code import code_digest
from ewc_lambda.store.records import read_json
from ewc_lambda.upkeep.integrity import Integrity

DRAWN = {
    module.__name__.rpartition(".")[2]: module
    for module in (accuracy_over_lambda, bracket, curves, importance, measure_over_lambda, regret)
}


def study_of(folder, text, **changes):
    """The files of a study that a trainer of this text trains, all of them made."""
    config = {**OWN, "trainer": written(folder, text), **changes}
    files = files_of(folder / "results", config)
    run(files)
    return files


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return study_of(folder, TRAINER, trials=3, replicates=4, max_rounds=2)


def test_the_answer_is_the_trainers(files):
    said = summary(open_study(files.record("study")))
    assert "fisher: the lambda to use is 1" in said
    assert "resolved         yes" in said
    # At lambda = 0 the measure is 0.1 * 4 ** 2 an epoch and task higher: 3 epochs for both tasks.
    assert "gain             9.6" in said
    assert "distance         not known: no reference line joint training" in said
    # Whether this process has imported torch is nothing to the trainer's.
    assert "computed with different arithmetic" not in said


def test_it_verifies_and_a_second_run_makes_nothing(files):
    found = Integrity(Path(files.folder).parent, files.config)
    found.check()
    assert not found.findings
    assert run(files) == []
    assert not list(Path(files.folder).rglob("base_model.safetensors"))
    assert not list(Path(files.folder).rglob("step_*.safetensors"))


def test_figures_and_tables_are_made_of_it(files, tmp_path):
    study = Study.read(files.record("study"))
    assert set(DRAWN) == set(FIGURES)
    for module in DRAWN.values():
        module.draw(module.extract(study)).savefig(tmp_path / "figure.png")
    metrics = make_tables(study, answer_study(study))["metrics"]
    measured = metrics[metrics["mean"].notna()]
    assert set(measured["split"]) == {"validation"}
    assert {"average task loss", "average accuracy"} <= set(measured["metric"])


def test_the_curves_are_what_the_trainer_returned(files):
    study = Study.read(files.record("study"))
    row = study.best_row(study.steps)
    loss = study.curves("steps", row, "loss")
    assert loss.shape == (4, 7, 2)
    assert np.isnan(loss[:, 0]).all()
    assert (loss[:, 1:4] == 1).all()
    accuracy = study.curves("steps", row, "accuracy")
    assert np.allclose(accuracy[:, 4:], 1 / (1 + loss[:, 4:]))
    assert np.isnan(accuracy[:, 1:4]).all()


@pytest.mark.parametrize("changes", [{}, {"randomness": "independent"}])
def test_without_a_start_each_run_trains_all_tasks(tmp_path, changes):
    files = study_of(tmp_path, WHOLE, **changes)
    study = Study.read(files.record("study"))
    assert study.curves("steps", 0, "loss").shape == (3, 7, 2)
    assert study.steps["lambda"][study.best_row(study.steps)] == pytest.approx(100)
    assert study.tables["steps"]["measure"].shape == (5, 3)


@pytest.mark.parametrize("text", [TRAINER, WHOLE])
def test_seeds_are_common_or_of_each_step_alone(tmp_path, text):
    """The measure is 9 of a level, and the replicate's shift: seen at two lambdas."""
    shifts = {}
    for randomness in ("common", "independent"):
        folder = tmp_path / randomness
        folder.mkdir()
        files = study_of(folder, text, randomness=randomness)
        study = Study.read(files.record("study"))
        last = study.tables["steps"]["loss"][:, :, -1, 1].astype(float)
        x = np.log10(study.steps["lambda"].to_numpy())[:, None]
        # Of the ends, where the sign of the root is known.
        root = np.sqrt((last - 1) / 0.1)
        shifts[randomness] = np.stack([x[0] + root[0] - 2, x[-1] - root[-1] - 2])
    assert np.allclose(*shifts["common"], atol=1e-5)
    assert not np.isclose(*shifts["independent"], atol=1e-3).any()


def test_joint_training_is_a_reference_line_where_the_trainer_has_it(tmp_path):
    files = study_of(tmp_path, TRAINER + JOINT)
    study = Study.read(files.record("study"))
    assert set(study.references["reference"]) == {"finetuning", "joint"}
    assert study.reference(0, "joint").tolist() == pytest.approx([3 + 6 * 0.5] * 3)


def job_of_a_round(files):
    """The job that trains all steps of the first round, its outputs gone; what they held."""
    products = [
        files.product("step", trial=0, importance="fisher", round=0, step=step) for step in range(5)
    ]
    before = [Path(product.record).read_bytes() for product in products]
    for product in products:
        Path(product.record).unlink()
    named = inputs_of(Sources(files).of(products[0]))
    job = SimpleNamespace(
        input=Named(**{name: paths for name, _, paths in named}),
        output=Named(records=[product.record for product in products]),
        params=Named(**files.made_by("step")),
        threads=1,
        wildcards=Named(trial="0"),
    )
    return job, [Path(product.record) for product in products], before


@pytest.mark.parametrize("text", [TRAINER, WHOLE])
@pytest.mark.parametrize("randomness", ["common", "independent"])
def test_several_steps_of_a_job_are_the_same_bytes(tmp_path, text, randomness):
    files = study_of(tmp_path, text, randomness=randomness)
    job, paths, before = job_of_a_round(files)
    train_steps(job, read_json(job.input.grid), step_files(job.output))
    assert [path.read_bytes() for path in paths] == before


def test_steps_that_were_finished_when_the_trainer_ended_are_kept(tmp_path, monkeypatch):
    """A trainer that is killed at the fourth lambda, and is well when the job is run again."""
    stop = tmp_path / "stop"
    killed = f"    import os\n    if lam > 500 and os.path.exists({str(stop)!r}):\n"
    text = TRAINER.replace("    rows = ", killed + "        os.kill(os.getpid(), 9)\n    rows = ")
    files = study_of(tmp_path, text)
    job, paths, before = job_of_a_round(files)
    grid, steps = read_json(job.input.grid), step_files(job.output)
    stop.touch()
    with pytest.raises(
        StudyError, match=r"was ended by SIGKILL.* in train at lambda = 1000 of tri"
    ):
        train_steps(job, grid, steps)
    stop.unlink()
    kept = [path.parent / ".finished" / path.stem / path.name for path in paths]
    assert [path.exists() for path in kept] == [True, True, True, False, False]
    assert not any(path.exists() for path in paths)
    trained = []
    put = Finished.put
    monkeypatch.setattr(Finished, "put", lambda *a, **b: (trained.append(a[1]), put(*a, **b)))
    train_steps(job, grid, steps)
    assert [step.number for step in trained] == [3, 4]
    assert [path.read_bytes() for path in paths] == before
    assert not list(Path(files.folder).rglob(".finished/*"))


def test_a_measure_that_diverges_is_recorded_and_not_chosen(tmp_path):
    grows = "losses[-1, 0] += np.inf if x > 3 else 0"
    text = TRAINER.replace("return losses,", f"{grows}\n    return losses,")
    files = study_of(tmp_path, text)
    study = Study.read(files.record("study"))
    assert study.steps["diverged"].tolist() == [False, False, False, False, True]


def test_another_measure_is_told_to_the_trainer(tmp_path):
    text = TRAINER.replace("- 2 -", "- (3 if context.importance == 'random' else 1) -")
    files = study_of(tmp_path, text, importance=["fisher", "random"], replicates=6)
    study = Study.read(files.record("study"))
    best = {
        name: study.steps["lambda"][study.best_row(study.steps[study.steps["importance"] == name])]
        for name in study.importances
    }
    assert best == {"fisher": pytest.approx(10), "random": pytest.approx(1000)}


class TestTried:
    """Before anything else is trained."""

    def refused(self, folder, text, said, **changes):
        with pytest.raises(StudyError) as error:
            study_of(folder, text, **changes)
        assert said in str(error.value)
        assert not list(folder.rglob("base_model.json"))

    def test_other_losses_for_the_same_seed(self, tmp_path):
        text = TRAINER.replace("return losses,", "losses += np.random.rand()\n    return losses,")
        said = "train returned other accuracies when it was called twice with the same seeds; draw"
        self.refused(tmp_path, text, said)

    def test_another_start_for_the_same_seed(self, tmp_path):
        text = TRAINER.replace("default_rng(context.seed)", "default_rng()")
        self.refused(tmp_path, text, "start returned other shift when it was called twice")

    def test_a_state_that_one_call_leaves_to_the_next(self, tmp_path):
        text = TRAINER + "\n\ncalls = []\nreal = train\n"
        text += "def train(*given):\n    calls.append(1)\n    return real(*given)[0] + len(calls)\n"
        self.refused(tmp_path, text, "train returned other losses when it was called twice")

    def test_another_shape(self, tmp_path):
        text = TRAINER.replace("rows = (len", "rows = 2 + (len")
        said = "train returned losses of shape (5, 2); with epochs 3 and evaluations_per_epoch 1"
        self.refused(tmp_path, text, said)

    def test_an_exception(self, tmp_path):
        text = TRAINER.replace("rows = ", "rows = no_such_name + ")
        self.refused(tmp_path, text, "line 14: NameError: name 'no_such_name' is not defined")

    def test_one_that_returns_none(self, tmp_path):
        self.refused(tmp_path, "def train(*_):\n    pass\n", "train: losses is NoneType of object")


def test_a_command_trains_as_well(tmp_path):
    script = written(tmp_path, COMMAND)
    command = f"python3 {script} --lambda {{lambda}} --seed {{seed}} --out {{output}}"
    files = files_of(tmp_path / "results", {**OWN, "trainer_command": command})
    run(files)
    study = Study.read(files.record("study"))
    assert "best lambda      " in summary(study)
    assert study.steps["lambda"][study.best_row(study.steps)] == pytest.approx(100)
    Path(script).write_text(COMMAND.replace("0.1 *", "0.2 *"))
    code_digest.cache_clear()
    with pytest.raises(StudyError, match="holds a finished study"):
        run(files_of(tmp_path / "results", {**OWN, "trainer_command": command}))
