"""Scenarios of a few tasks, for the tests of scenarios and of their bad input."""

from ewc_lambda.config.study_config import schema
from ewc_lambda.data.scenarios import build_scenario

DEFAULTS = {
    **{key: entry["default"] for key, entry in schema()["properties"].items()},
    "data_folder": "nowhere",
    "tasks": [[0, 1, 2], [3, 4, 5]],
    "validation_fraction": 0.2,
    "seed": 11,
}


def config(**changes):
    return {**DEFAULTS, **changes}


def build(**changes):
    return build_scenario(config(**changes))
