"""``ewc-lambda noise``: the figure of the noise study, from two study files."""

from __future__ import annotations

import argparse
from pathlib import Path

from ewc_lambda.command.named_study import add_results, find_study
from ewc_lambda.reporting.answers import open_study
from ewc_lambda.reporting.plotting import style
from ewc_lambda.reporting.plotting.paired_differences import draw, extract, ratio_text


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("common", help="study with common randomness: its name or its study.h5")
    parser.add_argument("independent", help="the same one with independent randomness")
    add_results(parser)
    parser.add_argument("--importance", help="importance measure; the first one if not given")
    parser.add_argument("--output", type=Path, default=Path(), help="folder for the figure")


def run(options: argparse.Namespace) -> None:
    """Write paired_differences.png and .svg, and print the ratio of the variances."""
    common, independent = (
        open_study(find_study(named, options.results).existing())
        for named in (options.common, options.independent)
    )
    noise = extract(common, independent, options.importance)
    paths = [options.output / f"paired_differences.{kind}" for kind in ("png", "svg")]
    with style.style():
        style.save(draw(noise), paths)
    for trial, ratio in zip(noise.trials, noise.near_ratios, strict=True):
        print(f"trial {trial}, neighbouring lambdas: a factor of {ratio.estimate:.3g}", end=" ")
        print(f"(95% interval {ratio.low:.3g} to {ratio.high:.3g}) {ratio.reason}".rstrip())
    print(ratio_text(noise))
    for path in paths:
        print(path)
