"""What is installed, and what the docs say of the config, in step with each other."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from ewc_lambda.config.study_config import schema
from ewc_lambda.config.table import filled_in

ROOT = Path(__file__).parents[2]
# Names of conda-forge and bioconda that differ from those of the Python package index.
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def direct() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [re.split(r"[\[<>=]", name)[0] for name in project["dependencies"]]


def test_every_direct_dependency_is_pinned():
    assert set(direct()) <= set(pins())


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda p: p.name)
def test_conda_environments_have_the_same_pins(path):
    known = {CONDA.get(name, name): version for name, version in pins().items()}
    lines = yaml.safe_load(path.read_text())["dependencies"]
    packages = dict(line.split(" ==") for line in lines if not line.startswith("python "))
    assert packages
    for name, version in packages.items():
        assert known[name] == version, name


def test_the_study_environment_has_every_direct_dependency():
    lines = yaml.safe_load((ROOT / "envs/study.yaml").read_text())["dependencies"]
    assert {CONDA.get(name, name) for name in direct()} <= {line.split()[0] for line in lines}


def test_the_config_table_is_that_of_the_schema():
    page = (ROOT / "config/README.md").read_text()
    assert page == filled_in(page), "run: make config-table"


# The default study goes on until it is sure; a config that does not speak of that has its trials.
DECIDED = {
    "validation_fraction",
    "hidden",
    "epochs",
    "batch_size",
    "later_steps",
    "trials",
    "target_width",
    "trial_mean",
    "replicates",
    "low_range",
    "high_range",
    "first_trials",
}


def test_the_default_config_is_the_schemas_defaults_but_for_its_design():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    defaults = {key: entry["default"] for key, entry in schema()["properties"].items()}
    assert {key for key in config if config[key] != defaults[key]} == DECIDED
