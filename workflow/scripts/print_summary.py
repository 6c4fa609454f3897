"""Print the answer of a finished study, or how far an unfinished one is (make summary)."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ewc_lambda.config.study_config import load
from ewc_lambda.errors import StudyError
from ewc_lambda.results.files import Files
from ewc_lambda.results.progress import progress_lines
from ewc_lambda.store.records import read_hdf5


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
    answer, lines = "", [f"Study {config['study']} is not finished."]
    if (folder / "study.h5").exists():
        answer = _answer(folder / "study.h5")
        changed = _changed(folder / "study.h5", config)
        if not changed or not any(folder.glob("trial_*")):
            return answer
        lines = ["", f"That was with {changed}. With the config of today:"]
    return answer + "\n".join([*lines, *progress_lines(Files(config, results))]) + "\n"


def _answer(path: Path) -> str:
    # Imported late: an unfinished study needs no statistics.
    from ewc_lambda.reporting.answers import open_study
    from ewc_lambda.reporting.summary import summary

    return summary(open_study(path))


def _changed(path: Path, config: Mapping[str, Any]) -> str:
    """The keys by which a study file's config differs from today's, and its values."""
    stored = read_hdf5(path)[1]["config"]
    return ", ".join(f"{key}: {old}" for key, old in stored.items() if config.get(key) != old)


if __name__ == "__main__":
    main()
