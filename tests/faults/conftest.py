"""The undisturbed study that every fault test compares itself with, and starts from."""

import shutil
import time

import pytest
from scratch import Scratch


def pytest_collection_modifyitems(items):
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The small study, run to its end without a disturbance; ``seconds`` is how long that took, in
    a run that was started as those that are disturbed.
    """
    scratch = Scratch.create(tmp_path_factory.mktemp("finished") / "project")
    begins = time.monotonic()
    done = scratch.start().wait()
    assert done.status == 0, done.text
    scratch.seconds = time.monotonic() - begins
    return scratch


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished study's project, to be disturbed."""
    yield finished.copy(tmp_path / "project")
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def fresh(finished, tmp_path):
    """The same project before anything was run."""
    yield finished.blank(tmp_path / "project")
    shutil.rmtree(tmp_path, ignore_errors=True)
