"""`ewc-lambda analyse`: the answer of a table."""

import pytest
from made_up_studies import made_up_study
from made_up_sweeps import made_up_sweep

from ewc_lambda.command.main import main


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_up_sweep().to_csv("my sweep.csv", index=False)
    return "my sweep.csv"


def test_one_command_prints_the_answer_and_writes_study_and_figure(table, tmp_path, capsys):
    assert main(["analyse", table]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Sweep my_sweep: 7 lambdas; measure loss, lower is better.")
    for name in ("study.h5", "figures/measure_over_lambda.png", "figures/measure_over_lambda.svg"):
        assert (tmp_path / "results/my_sweep" / name).is_file()
        assert f"results/my_sweep/{name}" in printed
    assert main(["summary", "results/my_sweep/study.h5"]) == 0
    assert printed.startswith(capsys.readouterr().out)


def test_the_same_table_is_read_anew_and_gives_the_same_bytes(table, tmp_path):
    file = tmp_path / "results/my_sweep/study.h5"
    assert main(["analyse", table]) == 0
    first = file.read_bytes()
    assert main(["analyse", table]) == 0
    assert file.read_bytes() == first


def test_every_option_reaches_the_table(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweep = made_up_sweep().assign(a=0, b="x", other=1.0)
    sweep.rename(columns={"lambda": "c", "seed": "d"}).to_csv("t.csv", index=False)
    columns = ["--lambda", "c", "--metric", "loss", "--seed", "d", "--trial", "a", "--group", "b"]
    more = ["--maximize", "--spacing", "linear", "--unpaired", "--study", "mine", "--results", "r"]
    assert main(["analyse", "t.csv", *columns, *more]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "Sweep mine: 7 lambdas; measure \N{MINUS SIGN} loss, lower is better."
    )
    assert "not paired, as asked" in printed
    assert "\nx: " in printed
    assert (tmp_path / "r/mine/study.h5").is_file()


def test_groups_get_a_figure_that_compares_them(table, tmp_path, capsys):
    made_up_sweep().assign(method="a").to_csv("groups.csv", index=False)
    made_up_sweep().assign(method="b").to_csv("groups.csv", index=False, mode="a", header=False)
    assert main(["analyse", "groups.csv", "--group", "method"]) == 0
    assert (tmp_path / "results/groups/figures/importance.png").is_file()


def test_a_study_that_was_trained_is_not_written_over(table, tmp_path, capsys):
    folder = tmp_path / "results/my_sweep"
    folder.mkdir(parents=True)
    made_up_study(folder / "study.h5")
    before = (folder / "study.h5").read_bytes()
    assert main(["analyse", table]) == 1
    assert "give another --study" in capsys.readouterr().err
    assert (folder / "study.h5").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lambda,loss\n1,a\n2,3\n4,5\n", "column loss, row 1: 'a' is no number"),
        ("lambda,loss,error\n1,2,3\n2,3,4\n4,5,6\n", "may be the measure. Name one: --metric"),
        ("x,loss\n1,2\n", "no column is lambda by its name"),
        ("", "not a table of its form"),
    ],
)
def test_what_is_wrong_is_one_message_and_nothing_is_written(
    tmp_path, capsys, monkeypatch, text, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(text)
    assert main(["analyse", "t.csv"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("ewc-lambda analyse: t.csv: ")
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_a_name_that_no_study_can_have_is_refused(table, capsys):
    assert main(["analyse", table, "--study", "a b"]) == 1
    assert "study" in capsys.readouterr().err
