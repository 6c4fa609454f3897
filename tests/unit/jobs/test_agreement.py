"""A job whose code or inputs are no longer those that it was planned with ends with one message."""

import pytest

from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.agreement import SameCode, check_inputs
from ewc_lambda.store import code
from ewc_lambda.store.code import code_digest, source_digest
from ewc_lambda.store.records import write_hdf5, write_json


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A made-up script, and what its job was planned with."""
    path = tmp_path / "train.py"
    path.write_text("x = 1\n")
    monkeypatch.setattr(code, "SCRIPTS", tmp_path)
    code_digest.cache_clear()
    yield path
    code_digest.cache_clear()


def planned():
    source = {"scripts": ["train"], "files": [], "sha256": source_digest("train")}
    return SameCode(source, code_digest("train"))


def test_the_same_code_passes(script):
    known = planned()
    known.check()
    known.check()


def test_code_that_means_something_else_ends_the_job(script):
    known = planned()
    script.write_text("x = 2\n")
    with pytest.raises(StudyError, match="the code changed while the study ran"):
        known.check()


def test_a_comment_is_no_change_and_hides_none(script):
    known = planned()
    script.write_text("x = 1  # one\n")
    known.check()
    script.write_text("x = 2  # one\n")
    with pytest.raises(StudyError, match="run the same command again"):
        known.check()


@pytest.mark.parametrize("name", ["a.json", "a.h5"])
def test_an_input_of_another_config_is_named_with_its_key(tmp_path, name):
    path = str(tmp_path / name)
    made = {"code_sha256": "c", "config": {"epochs": 3, "hidden": [4]}}
    if name == "a.json":
        write_json(path, {"provenance": made})
    else:
        write_hdf5(path, {}, {"provenance": made})
    check_inputs([path], {"epochs": 3, "trials": 5})
    with pytest.raises(StudyError, match=f"{name}: made with epochs: 3, this job's config says 2"):
        check_inputs([path], {"epochs": 2})


def test_inputs_that_are_no_records_are_passed_over(tmp_path):
    (tmp_path / "broken.h5").write_bytes(b"no HDF5")
    check_inputs([str(tmp_path / "a.safetensors"), str(tmp_path / "broken.h5")], {"epochs": 2})
