"""Turn published (lambda, measure) lists into a study file, from which the figures are drawn."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ewc_lambda.errors import StudyError
from ewc_lambda.results.published import import_published


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: the JSON file; the study's name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="JSON: a list of trials of [lambda, measure]")
    parser.add_argument("--study", default="published_data", help="default: published_data")
    parser.add_argument("--results", type=Path, default=Path("results"), help="default: results")
    given = parser.parse_args(arguments)
    target = given.results / given.study / "study.h5"
    try:
        if target.exists():
            raise StudyError(f"{target} exists already: give another --study, or remove it")
        import_published(given.source, target, given.study)
    except StudyError as error:
        sys.exit(f"import: {error}")
    print(
        f"Wrote {target}. Draw its figures and tables with:\n"
        f"  snakemake --cores 1 figures tables --config study={given.study}"
    )


if __name__ == "__main__":
    main()
