"""``ewc-lambda report``: one self-contained page with all of a study, called after it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from ewc_lambda.command.named_study import NamedStudy, add_study, find_study
from ewc_lambda.command.unfinished import is_unfinished, report_so_far
from ewc_lambda.errors import StudyError
from ewc_lambda.results.run_config import RUN_CONFIG


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_study(parser)
    parser.add_argument("--output", type=Path, help="the page; default: STUDY_report.html")


def run(options: argparse.Namespace) -> int:
    """Have Snakemake write it, which draws first what is not drawn yet. Of a study that is not
    finished, the page is of what there is.
    """
    named = find_study(options.study, options.results)
    name = named.config()["study"]
    output = options.output or Path(f"{name}_report.html")
    if is_unfinished(named):
        report_so_far(named, output)
        return 0
    _refuse_elsewhere(named.existing(), name)
    config = ["--configfile", str(_config_of(named)), "--cores", "1"]
    for words in (["--", "figures", "tables"], ["--report", str(output), "--quiet", "all"]):
        status = subprocess.run([sys.executable, "-m", "snakemake", *config, *words]).returncode
        if status:
            return status
    print(f"{output}: one page, to open in a browser and to hand on")
    return 0


def _refuse_elsewhere(study: Path, name: str) -> None:
    """Snakemake looks for the results of a study in one place."""
    place = Path("results", name, "study.h5")
    if study.absolute() != place.absolute():
        raise StudyError(f"{study}: a report is made of results at their place; put it at {place}")


def _config_of(named: NamedStudy) -> Path:
    """A config file of the study."""
    folder = named.file.parent
    for path in (named.config_file, folder / RUN_CONFIG, folder / "tables/config.yaml"):
        if path and path.is_file():
            return path
    raise StudyError(f"{named.file}: has no config beside it. Name the config it was run with")
