"""Check every file of a study against the digests that were recorded when it was made.

Prints one line when all is well; else what is wrong, a line each, and ends with status 1.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence

from ewc_lambda.config.study_config import load
from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.run_job import is_frozen
from ewc_lambda.store.replacing import move_aside
from ewc_lambda.upkeep.integrity import Integrity


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--config", default="config/config.yaml", help="config of the study")
    parser.add_argument("--results", default="results", help="folder of all studies")
    parser.add_argument(
        "--set-aside",
        action="store_true",
        help="give broken files the ending .broken, so that Snakemake makes them anew",
    )
    options = parser.parse_args(arguments)
    try:
        integrity = Integrity(options.results, load(options.config))
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    integrity.check()
    if integrity.mixed:
        print(integrity.mixed, file=sys.stderr)
    if not integrity.findings:
        print(integrity.verdict)
        return 0
    print(integrity.verdict, file=sys.stderr)
    _advise(integrity, options.config, options.set_aside)
    return 1


def _advise(integrity: Integrity, config: str, aside: bool) -> None:
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
        named = ["snakemake", "--cores", "all", "--configfile", config]
        command = shlex.join([*named, "--", *anew])
        print(f"To make them anew: {command}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
