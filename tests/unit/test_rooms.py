"""The rules of the house that the contracts in pyproject.toml cannot say."""

import ast
import re
from pathlib import Path

import pytest

import ewc_lambda

LIBRARY = Path(ewc_lambda.__file__).parent
ROOT = LIBRARY.parents[2]
PACKAGES = sorted(path.parent for path in LIBRARY.glob("*/__init__.py"))


def sees_snakemake(path: Path) -> bool:
    arguments = (n.arg for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.arg))
    return "snakemake" in arguments


def test_jobs_alone_see_a_snakemake_object():
    found = {p.relative_to(LIBRARY).parts[0] for p in LIBRARY.rglob("*.py") if sees_snakemake(p)}
    assert found == {"jobs"}


def test_every_package_says_what_lives_there_what_it_imports_and_where_to_start():
    assert len(PACKAGES) > 8
    for package in PACKAGES:
        said = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
        said = " ".join(said.split())
        assert "Imports" in said, package
        assert "Start with" in said, package


FIVE = re.compile(r"^\| .+\? \| \[([a-z_/]+\.py)\]", re.MULTILINE)


@pytest.mark.parametrize("page", ["docs/how-it-works.md", "CONTRIBUTING.md"])
def test_the_five_files_that_are_the_study_open_with_formula_and_source(page):
    names = FIVE.findall((ROOT / page).read_text())
    assert names == FIVE.findall((ROOT / "docs/how-it-works.md").read_text())
    assert len(names) == 5
    for name in names:
        said = ast.get_docstring(ast.parse((LIBRARY / name).read_text())) or ""
        assert re.search(r"^    .+ (=|<=|\+-) .+", said, re.MULTILINE), f"{name}: no formula"
        assert re.search(r"\b(19|20)\d\d\b", said), f"{name}: no source"
