"""A helper of warm starts, and the scripts of jobs."""

import pytest
from warm import helper_in

from ewc_lambda.store.code import SCRIPTS


@pytest.fixture(scope="session", autouse=True)
def library():
    """Processes find the library as they do in a run, by PYTHONPATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(SCRIPTS))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the socket of a helper lies."""
    path = tmp_path_factory.mktemp("warm") / "helper"
    with helper_in(path):
        yield path


@pytest.fixture
def job(tmp_path):
    """Writes a job's script."""

    def write(text, name="tmp1.make_grid.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write
