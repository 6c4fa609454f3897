"""``ewc-lambda config-table``: the tables of config/README.md (make config-table)."""

from __future__ import annotations

import argparse
from pathlib import Path

from ewc_lambda.config.table import filled_in
from ewc_lambda.errors import StudyError

README = Path("config/README.md")


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--check", action="store_true", help="change nothing; fail if they differ")


def run(options: argparse.Namespace) -> None:
    """Write the tables, or check them."""
    if not README.is_file():
        raise StudyError(f"{README}: no such file. Run this in the project's folder.")
    page = README.read_text()
    if not options.check:
        README.write_text(filled_in(page))
    elif page != filled_in(page):
        raise StudyError(f"{README} is not what the schema says. Run: make config-table")
