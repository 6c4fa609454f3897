"""``ewc-lambda unpack``: the study in such a file, checked and put among the results."""

from __future__ import annotations

import argparse

from ewc_lambda.command.named_study import add_results
from ewc_lambda.upkeep.archive import LARGEST_STUDY, unpack


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("archive", help="file that ewc-lambda pack wrote")
    add_results(parser)
    parser.add_argument(
        "--largest",
        type=int,
        default=LARGEST_STUDY,
        metavar="BYTES",
        help=f"how large a study file may be: {LARGEST_STUDY}",
    )


def run(options: argparse.Namespace) -> None:
    """Unpack it, and say how to draw its figures."""
    folder = unpack(options.archive, options.results, options.largest)
    print(f"{folder}: unpacked. To draw its figures and tables, and compare them:")
    print(f"snakemake --cores 1 --configfile {folder}/config.yaml -- figures tables")
    print(f"cd {folder} && sha256sum --check drawn.sha256")
