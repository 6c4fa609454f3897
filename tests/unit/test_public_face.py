"""`import ewc_lambda`: the names for people, which cost nothing until they are asked for."""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from commands import modules_after

import ewc_lambda

FACE = Path(ewc_lambda.__file__)
LIBRARY = FACE.parent
WANTED = {
    *("read_study", "best_lambda", "resolved", "gain", "rank_importances", "riemann_measure"),
    *("analyse", "Analysis"),
    *("BestLambda", "Resolved", "Interval", "Comparison", "PairDifference", "Study", "StudyError"),
}


def test_the_import_alone_brings_nothing_with_it():
    found = modules_after("import ewc_lambda; ewc_lambda.__version__; dir(ewc_lambda)")
    assert {name for name in found if name.startswith("ewc_lambda")} == {"ewc_lambda"}
    assert not found & {"numpy", "torch", "pandas", "h5py", "scipy"}


def test_a_name_brings_what_it_needs_and_no_torch():
    found = modules_after("from ewc_lambda import best_lambda, read_study")
    assert {"ewc_lambda.inference.best_lambda", "ewc_lambda.results.study_file"} <= found
    assert "torch" not in found


def test_every_name_is_there_and_listed():
    assert set(ewc_lambda.__all__) == WANTED
    assert set(dir(ewc_lambda)) >= WANTED
    for name in WANTED:
        assert getattr(ewc_lambda, name).__name__ == name


def test_a_name_is_the_thing_of_its_module():
    from ewc_lambda.inference.best_lambda import gain

    assert ewc_lambda.gain is gain
    assert vars(ewc_lambda)["gain"] is gain, "asked for twice, imported twice"


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'ewc_lambda' has no attribute 'best_lamda'"):
        _ = ewc_lambda.best_lamda


def test_type_checkers_are_told_the_same():
    told = {
        (alias.name, node.module)
        for node in ast.walk(ast.parse(FACE.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ewc_lambda.")
        for alias in node.names
    }
    assert told == {(name, f"ewc_lambda.{home}") for name, home in ewc_lambda._HOME.items()}
    assert set(ewc_lambda._HOME) == set(ewc_lambda.__all__)
    for name, home in told:
        assert getattr(import_module(home), name)


def test_no_module_imports_the_face():
    """The digest of the code would follow it to all that it names."""
    found = [
        path.name
        for path in LIBRARY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and node.module == "ewc_lambda")
        or (isinstance(node, ast.Import) and "ewc_lambda" in {a.name for a in node.names})
    ]
    assert found == []
