"""``ewc-lambda replications``: the page of replications, and what its studies need
(make replications).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ewc_lambda.config.study_config import load
from ewc_lambda.data.sources import DATASETS, check_files
from ewc_lambda.data.sources.download import locate
from ewc_lambda.errors import StudyError
from ewc_lambda.reporting.replications_page import replications

FOLDER = Path("replications")
REFERENCE = Path("results/reference")
DOCS = Path("docs")
STUDIES = Path("config/studies/replications")


def configure(parser: argparse.ArgumentParser) -> None:
    """Without arguments the page is written."""
    parser.add_argument(
        "--need", nargs="+", metavar="STUDY", help="say which data of these studies are not there"
    )
    parser.add_argument(
        "--data-folder", default="data", metavar="FOLDER", help="where the data are (data)"
    )


def run(options: argparse.Namespace) -> None:
    """Write the page, or say what studies need."""
    if options.need:
        for line in dict.fromkeys(needs(name, options.data_folder) for name in options.need):
            print(line, end="")
        return
    for folder in (FOLDER, REFERENCE, DOCS):
        if not folder.is_dir():
            raise StudyError(f"{folder}: no such folder. Run this in the project's folder.")
    (DOCS / "replications.md").write_text(replications(FOLDER, REFERENCE))


def needs(name: str, folder: str) -> str:
    """What a study's data lack in a folder, and where they come from, as a line; empty where they
    are there.

    Raises:
        StudyError: there is no such study, or its data are nowhere to be had but from you.

    """
    path = STUDIES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in STUDIES.glob("*.yaml")))
        raise StudyError(f"{name}: no such replication. There are {known}.")
    config = load(path) | {"data_folder": folder}
    check_files(config)
    dataset = config["dataset"]
    plain = ("", ".gz")
    lacking = [
        file
        for file in DATASETS[dataset].files
        if not any(locate(config, dataset, file.name.removesuffix(end)) for end in plain)
    ]
    if not lacking:
        return ""
    return (
        f"{dataset}: {', '.join(file.name for file in lacking)} not in {folder}; downloaded from "
        f"{lacking[0].urls[0]} and its mirrors when the data are read. Without a network, put the "
        f"files into {folder}/{dataset}, or name their folder: make replications DATA=FOLDER.\n"
    )
