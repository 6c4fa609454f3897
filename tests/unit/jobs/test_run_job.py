"""What a job does around its work: its log, its one message, and broken inputs."""

import gc
import logging
import warnings
from types import SimpleNamespace

import pytest

from ewc_lambda import __version__
from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.jobs.run_job import imports_that_stay, logger, run_job
from ewc_lambda.store.code import code_digest, source_digest


class Params(SimpleNamespace):
    """Parameters as Snakemake gives them."""

    def get(self, name, default=None):
        return getattr(self, name, default)


@pytest.fixture
def job(tmp_path):
    """A job's snakemake object; logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    wildcards = {"trial": "2", "step": "3"}
    source = {"scripts": ["make_grid"], "files": [], "sha256": source_digest("make_grid")}
    yield SimpleNamespace(
        log=[str(tmp_path / "job.log")],
        rule="train_step",
        wildcards=wildcards,
        input=[],
        params=Params(source=source, code=code_digest("make_grid"), config={}),
    )
    logging.captureWarnings(False)
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


def log_of(job):
    with open(job.log[0]) as file:  # noqa: PTH123
        return file.read()


def failing(error):
    def main(snakemake):
        raise error

    return main


def test_a_job_logs_to_the_file_of_its_rule(job):
    seen = []

    def main(snakemake):
        seen.append(snakemake)
        logger.info("epoch %d", 3)

    run_job(main, job)
    assert seen == [job]
    assert "INFO epoch 3" in log_of(job)


def test_a_second_run_begins_a_new_log(job):
    for number in (1, 2):
        run_job(lambda snakemake, number=number: logger.info("run %d", number), job)
    assert "run 2" in log_of(job)
    assert "run 1" not in log_of(job)


def test_warnings_go_to_the_log(job):
    def main(snakemake):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("be careful", stacklevel=1)

    run_job(main, job)
    assert "be careful" in log_of(job)


def test_an_error_of_the_user_ends_the_job_with_its_one_message(job):
    with pytest.raises(SystemExit) as caught:
        run_job(failing(StudyError("epochs: -1 is too few. Allowed: at least 1.")), job)
    assert caught.value.code == "train_step: epochs: -1 is too few. Allowed: at least 1."
    assert "ERROR epochs: -1 is too few" in log_of(job)
    assert "Traceback" not in log_of(job)


@pytest.mark.parametrize("error", [ValueError("odd"), KeyboardInterrupt()])
def test_any_other_error_is_logged_with_its_traceback_and_raised(job, error):
    with pytest.raises(type(error)):
        run_job(failing(error), job)
    assert "Traceback" in log_of(job)
    assert type(error).__name__ in log_of(job)


def test_a_fault_of_the_project_says_what_to_report(job, capsys):
    with pytest.raises(ValueError, match="odd"):
        run_job(failing(ValueError("odd")), job)
    said = capsys.readouterr().err
    assert "train_step: this is a fault of ewc-lambda." in said
    assert job.log[0] in said
    for word in (f"ewc-lambda {__version__}", "torch 2.", "rule train_step, trial 2, step 3"):
        assert word in log_of(job)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left"), MemoryError(), KeyboardInterrupt()]
)
def test_a_full_machine_or_a_user_who_stops_is_no_fault_of_the_project(job, capsys, error):
    with pytest.raises(type(error)):
        run_job(failing(error), job)
    assert "fault" not in capsys.readouterr().err


def test_a_broken_input_is_moved_aside_to_be_made_anew(job, tmp_path):
    path = tmp_path / "step_3.h5"
    path.write_bytes(b"half")
    with pytest.raises(SystemExit) as caught:
        run_job(failing(BrokenFileError(path, "cut short")), job)
    assert not path.exists()
    assert (tmp_path / "step_3.h5.broken").read_bytes() == b"half"
    assert str(caught.value.code).startswith(f"train_step: {path}: cut short. It was moved to")


def test_a_missing_input_is_only_reported(job, tmp_path):
    with pytest.raises(SystemExit) as caught:
        run_job(failing(BrokenFileError(tmp_path / "a.h5", "the file is missing")), job)
    assert "Run the same command again" in str(caught.value.code)


@pytest.mark.parametrize("name", ["base_model.safetensors", "base_model.json"])
def test_a_broken_base_model_is_left_for_the_user_to_decide_upon(job, tmp_path, name):
    path = tmp_path / "trial_2" / name
    path.parent.mkdir()
    path.write_bytes(b"other")
    with pytest.raises(SystemExit) as caught:
        run_job(failing(BrokenFileError(path, "its SHA-256 is not the recorded")), job)
    assert path.read_bytes() == b"other"
    assert f"remove the folder {path.parent}" in str(caught.value.code)


def test_garbage_is_collected_again_after_imports():
    frozen = gc.get_freeze_count()
    with imports_that_stay():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen
    gc.unfreeze()
