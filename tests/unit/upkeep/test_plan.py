"""What a run says it will make anew, what it sets aside, and what it asks before."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from in_process import TINY, files_of, run
from PIL import Image

from ewc_lambda.errors import StudyError
from ewc_lambda.store.provenance import provenance
from ewc_lambda.upkeep import reasons
from ewc_lambda.upkeep.plan import Plan, told_alone
from ewc_lambda.upkeep.survey import complete


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    run(files_of(folder, {}))
    return folder


@pytest.fixture
def results(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "results"))


def plan(files, caplog):
    """A plan, and the lines that it logs."""
    caplog.clear()
    caplog.set_level(logging.WARNING)
    return Plan(files, logging.getLogger("plan")), caplog.messages


def test_a_finished_study_has_nothing_to_say(results, caplog):
    found, lines = plan(files_of(results, {}), caplog)
    assert lines == []
    assert not found.anew
    assert found.lost() == []


def test_files_of_one_reason_share_a_line(results, caplog):
    _, lines = plan(files_of(results, {"learning_rate": 0.01}), caplog)
    because = "made with learning_rate: 0.001, the config says 0.01. Made anew."
    assert f"{results}/tiny/trial_0/fisher/round_0/step_0.h5 and 3 like it: {because}" in lines
    assert not any("base_model" in line for line in lines)
    assert "holds a finished study" in lines[-1]
    assert "--config replace=true" in lines[-1]
    assert "(made with learning_rate: 0.001, the config says 0.01)" in lines[-1]


def test_other_code_is_named_by_the_revision_that_it_was_made_by(results, caplog, monkeypatch):
    _, lines = plan(files_of(results, {}, code="other"), caplog)
    assert any(line.endswith("made by other code. Made anew.") for line in lines)
    monkeypatch.setattr(reasons, "revision", lambda: "0" * 40)
    caplog.clear()
    _, lines = plan(files_of(results, {}, code="other"), caplog)
    made = provenance("", {})["revision"]
    said = f"made by other code (git diff {made[:8]} -- workflow/scripts shows what changed)."
    assert any(said in line for line in lines) is (made != "unknown")


def test_a_finished_study_is_replaced_only_when_asked(results, caplog):
    found, _ = plan(files_of(results, {"seed": 2}), caplog)
    with pytest.raises(StudyError, match="holds a finished study"):
        found.begin()
    assert not (results / "tiny/set_aside").exists()
    found.end()
    found, _ = plan(files_of(results, {"seed": 2, "replace": True}), caplog)
    found.begin()
    found.end()
    assert (results / "tiny/set_aside/1/trial_0/base_model.safetensors").exists()
    assert not (results / "tiny/trial_0/base_model.json").exists()


def test_a_grid_that_keeps_one_lambda_is_another_question(results, caplog):
    found, lines = plan(files_of(results, {"steps": 5}), caplog)
    assert any("trained at another lambda than today's search gives" in line for line in lines)
    with pytest.raises(StudyError, match="holds a finished study"):
        found.begin()
    found.end()


def test_one_foreign_file_is_no_other_question(results, caplog):
    steps = [results / f"tiny/trial_0/fisher/round_0/step_{number}.h5" for number in (1, 2)]
    shutil.copyfile(steps[1], steps[0])
    found, lines = plan(files_of(results, {}), caplog)
    assert f"{steps[0]}: its step is 2, not 1. Made anew." in lines
    found.begin()
    found.end()


def test_a_study_that_was_never_finished_is_not_asked_about(results, caplog):
    (results / "tiny/study.h5").unlink()
    found, lines = plan(files_of(results, {"seed": 2}), caplog)
    assert not any("finished study" in line for line in lines)
    found.begin()
    found.end()


def test_weights_that_were_cut_short_are_missing(results, caplog):
    weights = results / "tiny/trial_0/fisher/round_0/step_1.safetensors"
    assert complete(weights)
    weights.write_bytes(weights.read_bytes()[:-1])
    assert not complete(weights)
    assert not complete(weights.with_name("absent"))
    weights.write_bytes(b"")
    assert not complete(weights)


def test_what_was_lost_and_is_still_needed_is_asked_for(results, caplog):
    (results / "tiny/data.h5").unlink()
    found, lines = plan(files_of(results, {}), caplog)
    assert lines == [f"{results}/tiny/data.h5: it is missing. Made anew."]
    assert found.lost() == [f"{results}/tiny/data.h5"]


def test_a_file_that_cannot_be_looked_at_is_named(results, caplog, monkeypatch):
    real = Path.stat

    def refuse(self, **options):
        if self.name == "data.h5":
            raise PermissionError(13, "Permission denied")
        return real(self, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(StudyError, match=r"data.h5: cannot be looked at \(Permission denied\)"):
        plan(files_of(results, {}), caplog)


def test_a_stale_file_that_cannot_be_moved_ends_the_run(results, caplog, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    found, _ = plan(files_of(results, {"seed": 2, "replace": True}), caplog)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StudyError, match=r"cannot be set aside .*--config study=NAME"):
        found.begin()
    found.end()


def test_a_study_file_alone_says_whose_it_is(results):
    shutil.rmtree(results / "tiny/trial_0")
    files = files_of(results, {})
    assert files.alone
    assert "another config" not in told_alone(files)
    assert "another config: epochs: 1." in told_alone(files_of(results, {"epochs": 2}))


def arrays(path, first):
    x, y = np.arange(160.0).reshape(80, 2) / 160, np.arange(80) % 4
    x[0, 0] = first
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
    return {"dataset": "npz", "npz_file": str(path), "study": "own"}


def pictures(folder, first):
    for split in ("train", "test"):
        for label in range(4):
            for number in range(12):
                path = folder / split / str(label) / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                colour = (first, label * 40, number)
                Image.new("RGB", (4, 4), colour if number == 0 else (0, label * 40, number)).save(
                    path
                )
    return {"dataset": "image_folder", "data_folder": str(folder), "image_size": 4, "study": "own"}


@pytest.mark.parametrize("write", [arrays, pictures])
def test_other_data_under_the_same_name_are_another_question(tmp_path, caplog, write):
    own = tmp_path / ("own.npz" if write is arrays else "own")
    config = {**TINY, **write(own, 0), "max_rounds": 1}
    results = tmp_path / "results"
    run(files_of(results, config))
    write(own, 1)
    found, lines = plan(files_of(results, config), caplog)
    assert any("changed since it was read. Made anew." in line for line in lines)
    assert any("step_0.h5 and 3 like it: trained on other data" in line for line in lines)
    with pytest.raises(StudyError, match="holds a finished study"):
        found.begin()
    found.end()
    made = run(files_of(results, {**config, "replace": True}))
    assert sum(product.kind == "step" for product in made) == 4
    assert run(files_of(results, config)) == []
    # Files that are gone tell nothing, and the data that were read from them go on to serve.
    shutil.rmtree(own) if own.is_dir() else own.unlink()
    assert plan(files_of(results, config), caplog)[1] == []
