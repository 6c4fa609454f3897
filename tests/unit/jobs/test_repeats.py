"""Lambdas that a search meets again are taken over, from whichever of its rounds trained them."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from in_process import Named, files_of, run

from ewc_lambda.jobs.repeats import repeat_step
from ewc_lambda.jobs.step_files import Step
from ewc_lambda.results.runs import read_run
from ewc_lambda.results.sources import Sources
from ewc_lambda.results.sources import inputs as inputs_of
from ewc_lambda.store.records import read_json

PLACE = {"trial": 0, "importance": "fisher"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A study of two rounds, and steps that search on outwards."""
    files = files_of(tmp_path_factory.mktemp("study"), {"expand_at_edge": True})
    run(files)
    return files


def taken_over(files, value, folder):
    """What a third round makes of a lambda: whether it is taken over, and the step's record."""
    product = files.product("step", **PLACE, round=2, step=1)
    named = inputs_of(Sources(files).of(product))
    inputs = Named(**{name: paths for name, _, paths in named})
    step = Step(1, str(folder / "step_1.h5"), str(folder / "step_1.safetensors"))
    job = SimpleNamespace(input=inputs, params=Named(**files.made_by("step")))
    grid = {**PLACE, "round": 2, "lambdas": [0.5, value]}
    return repeat_step(job, grid, step), step


@pytest.mark.parametrize("round_", [0, 1])
def test_a_lambda_of_any_round_is_not_trained_again(files, round_, tmp_path):
    grids = [read_json(files.product("grid", **PLACE, round=n).record) for n in (0, 1)]
    value = next(v for v in grids[round_]["lambdas"] if v not in grids[1 - round_]["lambdas"])
    number = grids[round_]["lambdas"].index(value)
    taken, step = taken_over(files, value, tmp_path)
    assert taken
    there = files.product("step", **PLACE, round=round_, step=number)
    assert (tmp_path / "step_1.safetensors").read_bytes() == Path(there.weights).read_bytes()
    again, before = read_run(step.record), read_run(there.record)
    assert (again.loss == before.loss).all()
    assert again.labels == {**before.labels, "round": 2, "step": 1}
    assert again.arithmetic == before.arithmetic


def test_a_new_lambda_is_left_to_be_trained(files, tmp_path):
    assert not taken_over(files, 0.123, tmp_path)[0]


def test_grids_say_what_was_searched_before(files):
    grids = [read_json(files.product("grid", **PLACE, round=n).record) for n in (0, 1)]
    assert grids[0]["searched"] == []
    assert grids[1]["searched"] == grids[0]["lambdas"]
