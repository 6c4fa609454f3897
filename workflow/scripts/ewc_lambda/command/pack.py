"""``ewc-lambda pack``: a study and what belongs to it in one file."""

from __future__ import annotations

import argparse

from ewc_lambda.command.named_study import add_study, find_study
from ewc_lambda.upkeep.archive import pack


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_study(parser)
    parser.add_argument("archive", nargs="?", help="file to write; default: the study's name, .tar")


def run(options: argparse.Namespace) -> None:
    """Pack it."""
    study = find_study(options.study, options.results).existing()
    archive = options.archive or f"{study.absolute().parent.name}.tar"
    pack(study, archive)
    print(f"{archive}: packed")
