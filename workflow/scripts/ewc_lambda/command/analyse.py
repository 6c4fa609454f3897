"""``ewc-lambda analyse``: the answer of a sweep that somebody has run, from its table."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ewc_lambda.command.named_study import add_results
from ewc_lambda.errors import StudyError
from ewc_lambda.reporting.sweep import analyse
from ewc_lambda.results.study_file import Study


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("table", type=Path, help="a row for each run: .csv, .tsv, .json, .parquet")
    for option, what in (
        ("lambda", "lambda"),
        ("metric", "the measure"),
        ("seed", "the seed, or the number of the run"),
        ("trial", "the trial: base model, order of data"),
        ("group", "the methods to compare"),
    ):
        parser.add_argument(f"--{option}", metavar="COLUMN", help=f"column of {what}")
    better = parser.add_mutually_exclusive_group()
    better.add_argument("--maximize", action="store_true", default=None, help="higher is better")
    better.add_argument("--minimize", dest="maximize", action="store_false", help="lower is better")
    parser.add_argument("--spacing", choices=["log", "linear"], help="scale of lambda")
    pairs = parser.add_mutually_exclusive_group()
    pairs.add_argument(
        "--paired", action="store_true", default=None, help="seeds are shared by all lambdas"
    )
    pairs.add_argument(
        "--unpaired", dest="paired", action="store_false", help="every run has a seed of its own"
    )
    parser.add_argument("--study", help="name of the study; default: that of the table")
    add_results(parser)


def run(options: argparse.Namespace) -> None:
    """Print the answer, and write the study file and its figures."""
    name = options.study or re.sub(r"[^A-Za-z0-9_-]+", "_", options.table.stem).strip("_-")[:64]
    folder = options.results / (name or "sweep")
    target = folder / "study.h5"
    _refuse_other(target)
    found = analyse(
        options.table,
        lam=getattr(options, "lambda"),
        metric=options.metric,
        seed=options.seed,
        trial=options.trial,
        group=options.group,
        maximize=options.maximize,
        spacing=options.spacing,
        paired=options.paired,
        name=folder.name,
    )
    print(found)
    folder.mkdir(parents=True, exist_ok=True)
    found.save(target)
    written = [target]
    figures = ["measure_over_lambda", *(["importance"] if len(found.study.importances) > 1 else [])]
    for figure in figures:
        paths = [folder / "figures" / f"{figure}.{kind}" for kind in ("png", "svg")]
        found.draw(*paths, figure=figure)
        written += paths
    print()
    for path in written:
        print(path)


def _refuse_other(target: Path) -> None:
    """A study that was trained is not written over; a sweep is read anew from its table."""
    if target.exists() and not Study.read(target).sweep:
        raise StudyError(
            f"{target} is there already, and is not of a table: give another --study, or remove it"
        )
