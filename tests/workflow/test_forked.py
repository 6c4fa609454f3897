"""Snakemake that was forked does and says what one that was started does and says."""

import os
import re

import pytest
from forked import can_fork
from scratch import Scratch

pytestmark = pytest.mark.workflow


def said(done):
    """The words that it printed, but for times, its number, and how it was called. Sorted: jobs of
    a plan and their inputs come in the order of a set.
    """
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", "TIME", done.text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d{6}\.\d+", "TIME", text)
    text = re.sub(r"\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}", "TIME", text)
    return sorted(re.sub(r"(Workflow ID|Command|Elapsed time): .*", r"\1", text).split())


@pytest.mark.parametrize(
    "arguments", [["-n"], ["--config", "stepz=5"], ["--lint"], ["results/small/data.h5"]], ids=str
)
def test_a_forked_run_says_and_does_the_same(arguments, tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    assert can_fork(scratch.environment, scratch.folder)
    again = scratch.blank(tmp_path / "again" / "project")
    runs = [scratch.run(*arguments), again.start(*arguments).wait()]
    assert runs[0].status == runs[1].status
    assert runs[0].jobs == runs[1].jobs
    texts = [[word.replace("/again/", "/").strip(",;") for word in said(done)] for done in runs]
    assert sorted(texts[0]) == sorted(texts[1])
    data = [each.study / "data.h5" for each in (scratch, again)]
    assert data[0].exists() is data[1].exists() is (arguments[0] == "results/small/data.h5")
    if data[0].exists():
        assert data[0].read_bytes() == data[1].read_bytes()


def test_what_python_reads_before_a_program_begins_is_not_forked(tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    own = scratch.environment["PYTHONPATH"]
    environment = {"PYTHONPATH": os.pathsep.join([own, str(tmp_path)])}
    assert not can_fork(environment, scratch.folder)
