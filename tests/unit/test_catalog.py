"""What .snakemake-workflow-catalog.yml says of the workflow is so."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
USAGE = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
METHODS = USAGE["software-stack-deployment"]
RULES = "\n".join(path.read_text() for path in sorted((ROOT / "workflow").rglob("*.smk")))


def test_the_catalog_finds_what_it_looks_for():
    assert (ROOT / "workflow/Snakefile").is_file()
    assert (ROOT / "config/README.md").is_file()
    assert (ROOT / "config/config.yaml").is_file()
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme


def test_conda_is_offered_as_every_script_has_an_environment():
    rules = re.split(r"^ *(?=rule |checkpoint )", RULES, flags=re.MULTILINE)[1:]
    scripts = [rule for rule in rules if re.search(r"^ +script:", rule, re.MULTILINE)]
    assert len(scripts) > 10
    assert METHODS["conda"] is all("conda:" in rule for rule in scripts)


@pytest.mark.parametrize("method", ["apptainer", "apptainer+conda"])
def test_images_are_offered_where_rules_name_one(method):
    assert METHODS[method] is bool(re.search(r"^ *container(ized)?:", RULES, re.MULTILINE))
