"""Benchmarks, which no test runs: what they import is there."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest
from commands import ROOT

# Installed in an environment of its own (benchmarks/lambda_step.py).
ELSEWHERE = {"avalanche"}
FILES = sorted((ROOT / "benchmarks").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_a_benchmark_imports_is_there(path: Path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    used = {name for name in names if name.partition(".")[0] not in ELSEWHERE}
    assert [name for name in sorted(used) if find_spec(name) is None] == []
