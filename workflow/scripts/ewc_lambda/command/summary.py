"""``ewc-lambda summary``: the answer of a finished study, or how far an unfinished one is."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from ewc_lambda.command.named_study import NamedStudy, add_study, find_study
from ewc_lambda.command.unfinished import is_unfinished, standing
from ewc_lambda.errors import StudyError
from ewc_lambda.results.progress import progress_lines
from ewc_lambda.results.run_config import latest_study

configure = add_study


def run(options: argparse.Namespace) -> None:
    """Print it."""
    study = find_study(options.study, options.results)
    said = _answer(study.file) if study.config_file is None else _with_progress(study)
    # Imported late: --help needs none of it.
    from ewc_lambda.reporting.fitting import fitted

    print("\n".join(fitted(said.splitlines(), sys.stdout)))
    if options.study is None and (last := latest_study(options.results)) not in (
        None,
        study.file.parent.name,
    ):
        print(f"\nThe last run here was of {last}: ewc-lambda summary {last}")


def _with_progress(study: NamedStudy) -> str:
    file, config = study.file, study.config()
    folder = file.parent
    if not folder.exists():
        raise StudyError(
            f"study {config['study']} has no results yet. Run: snakemake --cores all "
            f"--configfile {study.config_file}"
        )
    answer, lines = "", [f"Study {config['study']} is not finished."]
    if file.exists():
        answer = _answer(file)
        changed = study.made_with()
        if not changed:
            return answer
        answer = f"{file} was made with {changed}. It says:\n\n{answer}"
        if not any(folder.glob("trial_*")):
            return answer
        lines = ["", "With the config of today:"]
    lines += progress_lines(*standing(study))
    if is_unfinished(study):
        lines += [f"The answer so far, with figures: ewc-lambda report {config['study']}"]
    return answer + "\n".join(lines) + "\n"


def _answer(path: Path) -> str:
    # Imported late: an unfinished study needs no statistics.
    from ewc_lambda.reporting.answers import open_study
    from ewc_lambda.reporting.summary import summary

    study = open_study(path)
    return summary(study) + _spent(study.name)


def _spent(name: str) -> str:
    """What the jobs of a study took, as far as Snakemake has measured it here."""
    folder = Path("benchmarks/results", name)
    measured = [row["cpu_time"] for path in folder.rglob("*.tsv") for row in _rows(path)]
    if not measured:
        return ""
    seconds = sum(float(value) for value in measured if value != "NA")
    return f"\nIts jobs took {seconds:.0f} CPU s ({folder})\n"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))
