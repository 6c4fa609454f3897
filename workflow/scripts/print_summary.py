"""Print the answer of a finished study, or how far an unfinished one is (make summary)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ewc_lambda.config import load
from ewc_lambda.errors import StudyError
from ewc_lambda.progress import progress_lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: a config file, or a study file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="a study's config (YAML) or its study.h5")
    parser.add_argument("--results", type=Path, default=Path("results"), help="default: results")
    given = parser.parse_args(arguments)
    try:
        print(_text(given.path, given.results), end="")
    except StudyError as error:
        sys.exit(f"summary: {error}")


def _text(path: Path, results: Path) -> str:
    if path.suffix == ".h5":
        return _answer(path)
    config = load(path)
    folder = results / config["study"]
    if not folder.exists():
        raise StudyError(
            f"study {config['study']} has no results yet. Run: snakemake --cores all "
            f"--configfile {path}"
        )
    if (folder / "study.h5").exists():
        return _answer(folder / "study.h5")
    lines = [f"Study {config['study']} is not finished.", *progress_lines(folder, config)]
    return "\n".join(lines) + "\n"


def _answer(path: Path) -> str:
    # Imported late: an unfinished study needs no statistics.
    from ewc_lambda.answers import open_study
    from ewc_lambda.summary import summary

    return summary(open_study(path))


if __name__ == "__main__":
    main()
