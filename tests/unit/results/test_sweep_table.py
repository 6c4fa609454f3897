"""Tables from files."""

import importlib.util
import json

import pandas as pd
import pytest

from ewc_lambda.errors import StudyError
from ewc_lambda.results.sweep_table import read_table

ROWS = [{"lambda": 1.0, "loss": 0.5}, {"lambda": 2.0, "loss": 0.25}]
HAS_PARQUET = importlib.util.find_spec("pyarrow") is not None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "lambda,loss\n1,0.5\n2,0.25\n"),
        ("a.csv", "\ufefflambda, loss\n1, 0.5\n2, 0.25\n"),
        ("a.csv", "lambda;loss\n1;0.5\n2;0.25\n"),
        ("a.tsv", "lambda\tloss\n1\t0.5\n2\t0.25\n"),
        ("a.CSV", "lambda,loss\n1e0,0.5\n2.0,0.25\n"),
        ("a.json", json.dumps(ROWS)),
        ("a.json", '{"lambda": [1, 2], "loss": [0.5, 0.25]}'),
    ],
)
def test_a_table_is_the_same_in_every_form(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = read_table(tmp_path / name).astype(float)
    pd.testing.assert_frame_equal(found, pd.DataFrame(ROWS))


def test_trials_of_pairs_are_rows_of_a_trial(tmp_path):
    path = tmp_path / "published.json"
    path.write_text("[[[0.0, 5.0], [1.0, 3.0]], [[0.0, 6.0], [1.5, 2.0], [3.0, 4.0]]]")
    found = read_table(path)
    assert found["trial"].tolist() == [0, 0, 1, 1, 1]
    assert found["lambda"].tolist() == [0.0, 1.0, 0.0, 1.5, 3.0]
    assert found["measure"].tolist() == [5.0, 3.0, 6.0, 2.0, 4.0]


@pytest.mark.skipif(not HAS_PARQUET, reason="pyarrow is not installed")
def test_parquet_is_read(tmp_path):
    pd.DataFrame(ROWS).to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet"), pd.DataFrame(ROWS))


@pytest.mark.skipif(HAS_PARQUET, reason="pyarrow is installed")
def test_parquet_without_its_reader_says_what_to_install(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(StudyError, match=r"a\.parquet: reading Parquet needs pyarrow"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"", "a table is read from"),
        ("a.csv", b"", "not a table"),
        ("a.csv", b"lambda,loss\n", "holds no rows"),
        ("a.csv", b"\xff\xfe\x00l", "not a table"),
        ("a.csv", b'lambda,loss\n1,2,3,4\n1,"2\n', "not a table"),
        ("a.json", b"{", "not a table"),
        ("a.json", b"3", "a list of rows"),
        ("a.json", b"[[[1, 2, 3]]]", "trial 0"),
        ("a.json", b"[[1, 2]]", "trial 0"),
        ("a.json", b"[" * 100_000, "not a table"),
        ("a.json", b'{"lambda": [1], "loss": [1, 2]}', "not a table"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StudyError, match=said) as refused:
        read_table(tmp_path / name)
    assert name in str(refused.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(StudyError, match=r"absent\.csv: no such file"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(StudyError, match=r"folder\.csv: cannot be read"):
        read_table(tmp_path / "folder.csv")
