"""``ewc-lambda verify``: whether every file of a study is what was written.

Prints one line when all is well; else what is wrong, a line each, and ends with status 1.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from ewc_lambda.command.named_study import NamedStudy, add_study, find_study
from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.run_job import is_frozen
from ewc_lambda.store.replacing import move_aside
from ewc_lambda.upkeep.integrity import Integrity


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_study(parser)
    parser.add_argument(
        "--set-aside",
        action="store_true",
        help="give broken files the ending .broken, so that Snakemake makes them anew",
    )


def run(options: argparse.Namespace) -> int:
    """Check, and say what to do."""
    study = find_study(options.study, options.results)
    integrity = _checked(study, options.results)
    if integrity.mixed:
        print(integrity.mixed, file=sys.stderr)
    if not integrity.findings:
        print(integrity.verdict)
        return 0
    print(integrity.verdict, file=sys.stderr)
    _advise(integrity, study.config_file, options.set_aside)
    return 1


def _checked(study: NamedStudy, results: Path) -> Integrity:
    config = study.config()
    place = Path(config["study"], "study.h5")
    if study.config_file is None:
        file = study.file.absolute()
        results = Path(os.path.relpath(file.parents[1]))
        if file != results.absolute() / place:
            raise StudyError(
                f"{study.file}: is of the study {config['study']}, and is checked together with "
                f"what lies beside it. Put it where a run would have: {place}"
            )
    integrity = Integrity(results, config)
    integrity.check()
    return integrity


def _advise(integrity: Integrity, config: Path | None, aside: bool) -> None:
    if integrity.alone:
        if integrity.broken:
            print(
                "It stands alone: nothing can make it anew but the whole study, so it stays where "
                "it is. Put a whole copy of it there.",
                file=sys.stderr,
            )
        return
    frozen = [path for path in integrity.broken if is_frozen(path)]
    others = [path for path in integrity.broken if path not in frozen]
    if frozen:
        folders = " ".join(sorted({shlex.quote(str(path.parent)) for path in frozen}))
        print(
            f"A base model is frozen: restore it from a copy, or remove {folders} and run "
            f"Snakemake again to train the trial anew.",
            file=sys.stderr,
        )
    if aside:
        for path in others:
            print(f"moved to {move_aside(path)}", file=sys.stderr)
    elif others:
        print(
            "With --set-aside, broken files are moved so that they are made anew.", file=sys.stderr
        )
    anew = [str(path) for path in (*integrity.missing, *(others if aside else ()))]
    if anew:
        # A study that was named by its file does not say which config it is run with.
        named = ["snakemake", "--cores", "all", "--configfile", str(config or "CONFIG.yaml")]
        command = shlex.join([*named, "--", *anew])
        print(f"To make them anew: {command}", file=sys.stderr)
