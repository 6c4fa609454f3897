"""The one small study that the tests of what people see share."""

import pytest
from scratch import Scratch, with_figures


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A small study with two importance measures, with its figures and tables."""
    folder = tmp_path_factory.mktemp("workflow") / "project"
    scratch = with_figures(Scratch.create(folder, importance=["fisher", "sign_flipping"]))
    (folder / "first_run.txt").write_text(scratch.finish().text)
    return scratch
