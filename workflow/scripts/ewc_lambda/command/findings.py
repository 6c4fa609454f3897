"""``ewc-lambda findings``: the pages of findings and of figures (make findings)."""

from __future__ import annotations

import argparse
from pathlib import Path

from ewc_lambda.errors import StudyError
from ewc_lambda.reporting.findings import write_findings
from ewc_lambda.reporting.gallery import write_gallery

REFERENCE = Path("results/reference")
CAPTIONS = Path("workflow/report")
DOCS = Path("docs")


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments: the pages are the project's."""


def run(options: argparse.Namespace) -> None:
    """Write the pages and draw their pictures."""
    for folder in (REFERENCE, CAPTIONS, DOCS):
        if not folder.is_dir():
            raise StudyError(f"{folder}: no such folder. Run this in the project's folder.")
    write_findings(REFERENCE, DOCS / "findings.md", DOCS / "figures")
    write_gallery(REFERENCE, CAPTIONS, DOCS / "figures.md", DOCS / "figures")
