"""The rules of the house that the contracts in pyproject.toml cannot say."""

import ast
from pathlib import Path

import ewc_lambda

LIBRARY = Path(ewc_lambda.__file__).parent
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
