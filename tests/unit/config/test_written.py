"""What stands in a config as it was written: keys given twice, texts that are read otherwise."""

from pathlib import Path

import pytest

from ewc_lambda.config.study_config import load
from ewc_lambda.config.written import as_typed, check_keys
from ewc_lambda.errors import StudyError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "text",
    [
        "trials: 2\nseed: 1\ntrials: 3\n",
        '{"trials": 2, "trials": 2}',
        "tasks: [{trials: 1, trials: 2}]",
        "a: &a [*a]\nb: *a\nc: {trials: 1, trials: 2}",
    ],
)
def test_a_key_that_is_given_twice_is_refused(tmp_path, monkeypatch, text):
    monkeypatch.chdir(ROOT)
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(
        StudyError, match=r"mine\.yaml: trials is given twice, in line . and .* once"
    ):
        load(path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tasks: [[001, 002], ['008', 010]]", "tasks: YAML reads 001 as a number. Write '001' in"),
        ("tasks:\n- [a, 010]", "line 2: tasks: YAML reads 010 as a number. Write '010' in quotes"),
        ("tasks: [[0x1f]]", "tasks: YAML reads 0x1f as a number"),
        ("tasks: [[1_000]]", "tasks: YAML reads 1_000 as a number"),
        ("tasks: [[12:30]]", "tasks: YAML reads 12:30 as a number. Write '12:30'"),
        ("tasks: [[no, yes]]", "tasks: YAML reads no as true or false. Write 'no' in quotes"),
        ("tasks: [[null, a]]", "tasks: YAML reads null as nothing. Write 'null' in quotes"),
        ("tasks: [[2024-01-01]]", "tasks: YAML reads 2024-01-01 as a date"),
        ("study: 007", "study: YAML reads 007 as a number. Write '007' in quotes"),
        ("study: on", "study: YAML reads on as true or false"),
        ("npz_file: 1.50", "npz_file: YAML reads 1.50 as a number"),
    ],
)
def test_a_name_that_yaml_reads_as_something_else_is_refused(tmp_path, text, name):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(StudyError) as error:
        check_keys(path)
    assert name in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "tasks: [['001', \"010\"], [1, 10, cat, 1e3, 3d, 08]]",
        "tasks: [-1, 0]",
        "tasks: [{family: sine, frequency: 0.5}, {family: polynomial, coefficients: [0, 1.5]}]",
        "study: 2024",
        "npz_file: null",
        "npz_file:",
        "tasks: all",
        "12",
        "",
    ],
)
def test_what_yaml_reads_as_it_is_written_is_taken(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    check_keys(path)


def test_texts_of_the_command_line_are_what_was_typed():
    entries = ["study=007", "trials=010", "npz_file=1e3", "model_file=mine.py", "data_folder="]
    read = {"study": 7, "trials": 10, "npz_file": 1000.0, "model_file": "mine.py"}
    given = {**read, "data_folder": None, "seed": 1}
    typed = as_typed(given, entries)
    assert typed == {**given, "study": "007", "npz_file": "1e3"}
    assert as_typed(given, None) == given


def test_quotes_around_a_typed_text_are_the_shells():
    assert as_typed({"study": 7}, ["study='007'"]) == {"study": "007"}
