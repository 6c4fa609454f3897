"""``ewc-lambda summary``: the answer of a finished study, or how far an unfinished one is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ewc_lambda.command.named_study import add_study, find_study
from ewc_lambda.config.study_config import load
from ewc_lambda.errors import StudyError
from ewc_lambda.results.files import Files
from ewc_lambda.results.progress import progress_lines
from ewc_lambda.store.records import read_hdf5

configure = add_study


def run(options: argparse.Namespace) -> None:
    """Print it."""
    study = find_study(options.study, options.results)
    if study.config_file is None:
        print(_answer(study.file), end="")
    else:
        print(_with_progress(study.file, study.config_file), end="")


def _with_progress(file: Path, config_file: Path) -> str:
    config, folder = load(config_file), file.parent
    if not folder.exists():
        raise StudyError(
            f"study {config['study']} has no results yet. Run: snakemake --cores all "
            f"--configfile {config_file}"
        )
    answer, lines = "", [f"Study {config['study']} is not finished."]
    if file.exists():
        answer = _answer(file)
        changed = _changed(file, config)
        if not changed or not any(folder.glob("trial_*")):
            return answer
        answer = f"{file} was made with {changed}. It says:\n\n{answer}"
        lines = ["", "With the config of today:"]
    return answer + "\n".join([*lines, *progress_lines(Files(config, folder.parent))]) + "\n"


def _answer(path: Path) -> str:
    # Imported late: an unfinished study needs no statistics.
    from ewc_lambda.reporting.answers import open_study
    from ewc_lambda.reporting.summary import summary

    return summary(open_study(path))


def _changed(path: Path, config: Mapping[str, Any]) -> str:
    """The keys by which a study file's config differs from today's, and its values."""
    stored = read_hdf5(path)[1]["config"]
    return ", ".join(f"{key}: {old}" for key, old in stored.items() if config.get(key) != old)
