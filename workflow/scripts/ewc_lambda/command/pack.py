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
    parser.add_argument(
        "--ro-crate",
        action="store_true",
        help="write a Workflow Run RO-Crate (.crate.zip), to deposit the study with all it needs",
    )


def run(options: argparse.Namespace) -> None:
    """Pack it."""
    named = find_study(options.study, options.results)
    study = named.existing()
    if changed := named.made_with():
        print(f"{study} was made with {changed}; that study is packed.", file=sys.stderr)
    ending = "crate.zip" if options.ro_crate else "tar"
    archive = options.archive or f"{study.absolute().parent.name}.{ending}"
    if options.ro_crate:
        # Imported late: it takes a package that the other form does not.
        from ewc_lambda.upkeep.crate import pack_crate

        pack_crate(study, archive)
    else:
        pack(study, archive)
    print(f"{archive}: packed")
