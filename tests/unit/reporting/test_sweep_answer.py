"""A sweep that somebody has run: what is said of it, and what its study file is good for."""

import json

import numpy as np
import pandas as pd
import pytest
from made_up_sweeps import made_up_sweep
from scratch import ROOT

from ewc_lambda import Study, analyse, read_study
from ewc_lambda.inference import unpaired
from ewc_lambda.inference.best_lambda import best_lambda
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.reporting.contents import FIGURES
from ewc_lambda.reporting.plotting import draw_figure, measure_over_lambda
from ewc_lambda.reporting.summary import summary
from ewc_lambda.reporting.tables import make_tables
from ewc_lambda.upkeep.archive import pack, unpack

PUBLISHED = ROOT.parent / "shared/data/published/kutalev_lapina_2021_ewc.csv"
ORIGINAL = PUBLISHED.with_name("lambda_search_fisher_data.json")


def only(found):
    (importance,) = found.answers
    return importance.trials[0]


def test_pairs_get_the_statistics_of_pairs():
    table = made_up_sweep()
    wide = table.pivot_table(index="seed", columns="lambda", values="loss")
    known = best_lambda(wide.columns, wide)
    assert only(analyse(table)).best == known


def test_runs_of_their_own_get_those_of_runs_of_their_own():
    found = analyse(made_up_sweep(pairs=False).drop(index=[2, 3, 20]))
    search = only(found).search
    assert np.isnan(search.measures).sum() == 3
    assert only(found).best == unpaired.best_lambda(search.lambdas, search.measures)
    assert only(found).alike == unpaired.indistinguishable(search.lambdas, search.measures)
    assert only(found).resolved == unpaired.resolved(search.lambdas, search.measures)
    assert found.answers.importances[0].resolved == only(found).resolved


def test_the_answer_says_how_the_table_was_taken_and_what_more_runs_would_give():
    text = str(analyse(made_up_sweep(sd=0.1), name="mine"))
    lines = text.splitlines()
    assert lines[0] == "Sweep mine: 7 lambdas; measure loss, lower is better."
    for start in (
        "  paired: ",
        "mine: the best lambda is ",
        "  best lambda ",
        "  resolved         yes",
    ):
        assert any(line.startswith(start) for line in lines), start
    assert "lambdas cannot be told from the best: 100 to 1e+0" in text
    assert "  more runs        twice as many runs of each lambda would give an interval of" in text
    assert "loss x epochs" not in text


def test_a_best_lambda_that_stands_alone_says_so():
    text = str(analyse(made_up_sweep(runs=20, sd=0.001)))
    assert "  alike            no other lambda: all are worse than 1e+03 beyond doubt" in text


def test_what_is_not_resolved_says_how_many_more_runs_it_takes():
    noisy = analyse(made_up_sweep(runs=4, sd=0.6))
    assert not only(noisy).resolved.resolved
    assert "times as many runs would resolve it" in str(noisy)


def test_an_end_that_is_lowest_says_where_to_go():
    text = str(analyse(made_up_sweep(centre=9.0)))
    assert "  edge             lowest at the high end: run higher lambdas" in text
    assert "no number of runs is likely to resolve it" in text


def test_one_run_for_each_lambda_has_no_interval():
    text = str(analyse(made_up_sweep(runs=1)))
    assert "(no interval: one replicate only)" in text
    assert "two runs of each lambda, better five, would give an interval" in text


@pytest.mark.parametrize("pairs", [True, False])
def test_trials_are_the_unit_where_there_are_some(pairs):
    parts = [
        made_up_sweep(centre=centre, start=trial, pairs=pairs).assign(trial=trial)
        for trial, centre in enumerate((2.8, 3.0, 3.3))
    ]
    text = str(analyse(pd.concat(parts)))
    assert text.startswith("Sweep sweep: 7 lambdas, 3 trials; ")
    assert "over trials)" in text
    assert "  trials           3 of 3 resolved on their own:" in text
    assert "  more trials      twice as many trials would give an interval of about" in text


@pytest.mark.parametrize("pairs", [True, False])
def test_groups_are_compared(pairs):
    parts = [
        made_up_sweep(pairs=pairs).assign(method="ewc"),
        made_up_sweep(pairs=pairs).assign(method="si").assign(loss=lambda t: t["loss"] + 0.5),
    ]
    found = analyse(pd.concat(parts).drop(index=2), group="method")
    assert found.answers.comparison.names == ("ewc", "si")
    assert found.answers.comparison.tied_with_best == ("ewc",)
    assert "\nGroups, from the lowest measure at the best lambda:\n" in str(found)
    assert "  ewc is the best beyond doubt." in str(found)


@pytest.mark.parametrize("pairs", [True, False])
def test_everything_downstream_takes_the_study_file(tmp_path, pairs):
    table = pd.concat([made_up_sweep(pairs=pairs).assign(method=name) for name in "ab"])
    found = analyse(table.drop(index=2), group="method", name="mine")
    path = tmp_path / "mine/study.h5"
    path.parent.mkdir()
    found.save(path)
    study = open_study(path)
    assert summary(study) == f"{found}\n"
    for figure in FIGURES:
        draw_figure(figure, study, [tmp_path / f"{figure}.png"])
        assert (tmp_path / f"{figure}.png").stat().st_size > 5000
    tables = make_tables(study, answer_study(study))
    said = tables["columns"].set_index(["table", "column"])["meaning"]
    assert said["lambdas", "measure"] == "mean of the measure over replicates (loss)"
    assert len(read_study(path)) == np.isfinite(study.measures(study.steps)).sum()
    pack(path, tmp_path / "mine.tar")
    folder = unpack(tmp_path / "mine.tar", tmp_path / "other")
    assert (folder / "study.h5").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("pairs", [True, False])
def test_the_notebook_takes_the_study_file(tmp_path, pairs, monkeypatch, capsys):
    monkeypatch.setenv("MPLBACKEND", "agg")
    analyse(made_up_sweep(pairs=pairs).drop(index=2)).save(tmp_path / "study.h5")
    notebook = json.loads((ROOT / "docs/explore.ipynb").read_text())
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    code = "\n".join(cells).replace("../results/reference/fixed_digits", tmp_path.as_posix())
    assert tmp_path.as_posix() in code
    exec(code, {})
    assert capsys.readouterr().out.startswith("Sweep sweep: 7 lambdas")


def test_the_figure_shows_the_plain_means_of_own_runs():
    table = made_up_sweep(pairs=False, sd=0.5).drop(index=[2, 3, 20])
    (curve,) = measure_over_lambda.extract(analyse(table).study).curves
    np.testing.assert_allclose(curve.means, table.groupby("lambda")["loss"].mean())
    np.testing.assert_allclose(curve.errors, table.groupby("lambda")["loss"].sem())


def test_the_figure_bears_the_name_of_the_measure():
    study = analyse(made_up_sweep(measure="val_acc")).study
    figure = measure_over_lambda.draw(measure_over_lambda.extract(study))
    assert "\N{MINUS SIGN} val_acc" in {axes.get_ylabel() for axes in figure.axes}


@pytest.mark.skipif(not PUBLISHED.exists(), reason=f"{PUBLISHED.name} is not here")
@pytest.mark.parametrize(("paired", "runs"), [(None, (20, 20)), (False, (20, 30))])
def test_the_published_best_lambda_is_inside_the_interval_of_the_published_sweep(paired, runs):
    """Kutalev and Lapina, arXiv 2109.10021, report 41, in their units."""
    found = analyse(PUBLISHED, paired=paired)
    best = only(found).best
    assert found.study.replicate_range == runs
    assert best.n_lambdas == 52
    assert best.bounded_low
    assert best.bounded_high
    assert best.low < 41 < best.high
    assert only(found).resolved.resolved


@pytest.mark.skipif(not ORIGINAL.exists(), reason=f"{ORIGINAL.name} is not here")
def test_the_originals_published_form_is_read():
    found = analyse(ORIGINAL)
    assert len(found.study.trials) == 17
    assert not found.study.log
    assert isinstance(found.study, Study)
    assert not found.answers.importances[0].resolved.resolved
