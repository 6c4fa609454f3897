"""Keys that came after there were results: what they leave as it was, and what they change."""

import logging
from dataclasses import asdict
from pathlib import Path

import in_process
import pytest
from builders import settings

from ewc_lambda.config.study_config import later_defaults, part, resolve, schema, without_later
from ewc_lambda.learning.optimizers import Rule
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import KINDS
from ewc_lambda.results.run_tables import write_tables
from ewc_lambda.upkeep.integrity import Integrity
from ewc_lambda.upkeep.plan import Plan, told_alone

LATER = later_defaults()


def test_files_of_the_default_study_do_not_name_a_later_key():
    files = Files(resolve({}))
    for kind in KINDS:
        assert not LATER.keys() & files.config_of(kind).keys(), kind


@pytest.mark.parametrize("key", LATER)
def test_a_later_key_that_is_set_is_named_by_all_that_depends_on_it(key):
    changed = {**resolve({}), key: "something else"}
    files = Files(changed)
    assert files.config_of("study")[key] == "something else"
    of_part = schema()["properties"][key]["part"]
    dependent = [n for n, kind in KINDS.items() if of_part in kind.parts or key in kind.keys]
    assert dependent
    for kind in dependent:
        assert files.config_of(kind)[key] == "something else", kind


def test_what_is_no_later_key_is_always_named():
    assert part(resolve({}), "training")["epochs"] == 30
    assert without_later({"epochs": 30, "updates": None}) == {"epochs": 30}


def test_training_takes_for_a_key_that_is_left_out_what_the_schema_has():
    of = asdict(settings())
    for key in ("updates", "importance_batch", "synaptic_damping"):
        assert of[key] == LATER[key], key
    assert asdict(Rule()) == {key: LATER[key] for key in asdict(Rule())}


def test_a_study_file_alone_of_another_later_key_says_so(tmp_path):
    made = Files(resolve({"optimizer": "sgd"}), tmp_path)
    attributes = {"content": "study", "config": made.config_of("study"), "tasks": {"names": []}}
    path = Path(made.record("study"))
    path.parent.mkdir(parents=True)
    write_tables(path, {}, attributes)
    for given, said in (
        ({}, "optimizer: sgd"),
        ({"optimizer": "sgd", "updates": 5}, "updates: None"),
    ):
        assert said in told_alone(Files(resolve(given), tmp_path))
        integrity = Integrity(tmp_path, resolve(given))
        integrity.check()
        assert any(f"made with {said}" in finding for finding in integrity.findings)


def test_why_a_file_does_not_stand_names_the_value_that_was_left_out(tmp_path):
    before = in_process.files_of(tmp_path, {})
    in_process.run(before, 3)
    changed = in_process.files_of(tmp_path, {"optimizer": "sgd", "momentum": 0.9})
    plan = Plan(changed, logging.getLogger("quiet"))
    whys = {state.why for state in plan.anew.values()}
    assert any("made with optimizer: adam, the config says sgd" in why for why in whys), whys
    back = Plan(in_process.files_of(tmp_path, {}), logging.getLogger("quiet"))
    assert not back.anew
