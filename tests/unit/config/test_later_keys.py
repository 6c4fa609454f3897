"""Keys that came after there were results: what they leave as it was, and what they change."""

from dataclasses import asdict

import pytest
from builders import settings

from ewc_lambda.config.study_config import later_defaults, part, resolve, schema, without_later
from ewc_lambda.learning.optimizers import Rule
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import KINDS

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
