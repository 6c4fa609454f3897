"""Draw the figure of the noise study from two study files.

    python workflow/scripts/draw_noise.py COMMON.h5 INDEPENDENT.h5 --output FOLDER

COMMON.h5 is a study with `randomness: common`, INDEPENDENT.h5 the same one with `independent`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ewc_lambda.errors import StudyError
from ewc_lambda.reporting.answers import open_study
from ewc_lambda.reporting.plotting import style
from ewc_lambda.reporting.plotting.paired_differences import draw, extract, ratio_text


def main(arguments: Sequence[str] | None = None) -> None:
    """Write paired_differences.png and .svg, and print the ratio of the variances."""
    parser = argparse.ArgumentParser(description="Draw the figure of the noise study.")
    parser.add_argument("common", type=Path, help="study.h5 with common randomness")
    parser.add_argument("independent", type=Path, help="study.h5 with independent randomness")
    parser.add_argument("--importance", help="importance measure; the first one if not given")
    parser.add_argument("--output", type=Path, default=Path(), help="folder for the figure")
    given = parser.parse_args(arguments)
    try:
        noise = extract(open_study(given.common), open_study(given.independent), given.importance)
        with style.style():
            paths = [given.output / f"paired_differences.{kind}" for kind in ("png", "svg")]
            style.save(draw(noise), paths)
    except StudyError as error:
        sys.exit(f"draw_noise: {error}")
    for trial, ratio in zip(noise.trials, noise.near_ratios, strict=True):
        print(f"trial {trial}, neighbouring lambdas: a factor of {ratio.estimate:.3g}", end=" ")
        print(f"(95% interval {ratio.low:.3g} to {ratio.high:.3g}) {ratio.reason}".rstrip())
    print(ratio_text(noise))
    for path in paths:
        print(path)


if __name__ == "__main__":
    main()
