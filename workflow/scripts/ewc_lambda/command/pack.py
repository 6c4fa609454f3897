"""``ewc-lambda pack``: a study and what belongs to it in one file."""

from __future__ import annotations

import argparse
import sys

from ewc_lambda.command.named_study import add_study, find_study
from ewc_lambda.upkeep.archive import pack


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_study(parser)
    parser.add_argument("archive", nargs="?", help="file to write; default: the study's name, .tar")


def run(options: argparse.Namespace) -> None:
    """Pack it."""
    named = find_study(options.study, options.results)
    study = named.existing()
    if changed := named.made_with():
        print(f"{study} was made with {changed}; that study is packed.", file=sys.stderr)
    archive = options.archive or f"{study.absolute().parent.name}.tar"
    pack(study, archive)
    print(f"{archive}: packed")
