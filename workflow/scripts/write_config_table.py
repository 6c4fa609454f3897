"""Write the tables of config/README.md from the schema (make config-table)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ewc_lambda.config.table import filled_in

README = Path(__file__).parents[2] / "config" / "README.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if they differ")
    page = README.read_text()
    if not parser.parse_args(arguments).check:
        README.write_text(filled_in(page))
    elif page != filled_in(page):
        sys.exit("config/README.md is not what the schema says. Run: make config-table")


if __name__ == "__main__":
    main()
