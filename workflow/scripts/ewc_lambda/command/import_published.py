"""``ewc-lambda import-published``: published (lambda, measure) lists as a study file."""

from __future__ import annotations

import argparse
from pathlib import Path

from ewc_lambda.command.named_study import add_results
from ewc_lambda.errors import StudyError
from ewc_lambda.results.published import import_published


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("source", type=Path, help="JSON: a list of trials of [lambda, measure]")
    parser.add_argument("--study", default="published_data", help="default: published_data")
    add_results(parser)


def run(options: argparse.Namespace) -> None:
    """Write the study file, and say how to draw its figures."""
    target = options.results / options.study / "study.h5"
    if target.exists():
        raise StudyError(f"{target} exists already: give another --study, or remove it")
    import_published(options.source, target, options.study)
    print(
        f"Wrote {target}. Draw its figures and tables with:\n"
        f"  snakemake --cores 1 figures tables --config study={options.study}"
    )
