"""Pack a study into one file, or unpack such a file to draw its figures and tables."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ewc_lambda.errors import StudyError
from ewc_lambda.upkeep.archive import LARGEST_STUDY, pack, unpack


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", default="results", type=Path, help="folder of all studies")
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="pack results/STUDY/study.h5 and what belongs to it")
    packing.add_argument("study", help="name of the study")
    packing.add_argument("archive", nargs="?", help="file to write (STUDY.tar)")
    unpacking = commands.add_parser("unpack", help="check an archive and unpack it into results")
    unpacking.add_argument("archive", help="file that pack wrote")
    unpacking.add_argument(
        "--largest", type=int, default=LARGEST_STUDY, help="bytes that a study file may have"
    )
    options = parser.parse_args(arguments)
    try:
        if options.command == "pack":
            archive = options.archive or f"{options.study}.tar"
            pack(options.results / options.study / "study.h5", archive)
            print(f"{archive}: packed")
        else:
            folder = unpack(options.archive, options.results, options.largest)
            print(f"{folder}: unpacked. To draw its figures and tables, and compare them:")
            print(f"snakemake --cores 1 --configfile {folder}/config.yaml -- figures tables")
            print(f"cd {folder} && sha256sum --check drawn.sha256")
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
