"""``ewc-lambda report``: one self-contained page with all of a study, called after it."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ewc_lambda.command.named_study import NamedStudy, add_study, find_study
from ewc_lambda.command.unfinished import is_unfinished, report_so_far
from ewc_lambda.config.study_config import DEFAULT, elsewhere
from ewc_lambda.errors import StudyError
from ewc_lambda.results.files import Files
from ewc_lambda.results.study_file import Study
from ewc_lambda.upkeep.survey import STANDS, WAITS, Survey


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
    study = named.existing()
    if said := elsewhere():
        raise StudyError(said)
    alone = _why_alone(named, name)
    if not alone and named.config_file is not None:
        status = _snakemake(["--configfile", str(named.config_file)], output)
    else:
        print(
            f"The report is drawn from {study} alone, and nothing is trained: {alone}.", flush=True
        )
        status = _of_the_file(study, name, output)
    if not status:
        print(f"{output}: one page, to open in a browser and to hand on")
    return status


def _why_alone(named: NamedStudy, name: str) -> str:
    """Why a study file is not one that a run would leave as it is; empty where it is."""
    if named.config_file is None:
        return "it was named by its file"
    if named.file.absolute() != Path("results", name, "study.h5").absolute():
        return "it lies elsewhere than a run would put it"
    files = Files(named.config(), named.file.parent.parent)
    survey = Survey(files)
    state = survey.state(files.product("study"))
    if files.alone or state.name == STANDS:
        return ""
    # What waits for another file has its reason there.
    found = [survey.state(product) for product in survey.products()]
    return next((each.why for each in found if each.name not in (STANDS, WAITS)), state.why)


def _snakemake(where: list[str], output: Path) -> int:
    """Draw what is not drawn, then write the page; the exit status."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *where]
    for words in (["--", "figures", "tables"], ["--report", str(output), "--quiet", "all"]):
        if status := subprocess.run([*command, *words]).returncode:
            return status
    return 0


def _of_the_file(study: Path, name: str, output: Path) -> int:
    """Write the page in a folder of its own, where a run finds nothing but the study file."""
    # Imported late: it brings pandas.
    from ewc_lambda.reporting.tables_page import config_text

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "results", name)
        place.mkdir(parents=True)
        shutil.copyfile(study, place / "study.h5")
        Path(folder, DEFAULT.parent).symlink_to(DEFAULT.parent.absolute())
        config = Path(folder, "study.yaml")
        config.write_text(config_text(Study.read(study)), encoding="utf-8")
        where = ["--directory", folder, "--configfile", str(config)]
        return _snakemake(where, output.absolute())
