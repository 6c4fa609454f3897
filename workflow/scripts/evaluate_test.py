"""Evaluate the chosen lambda of a trial's search on the test split, once."""

import dataclasses
from typing import Any

from ewc_lambda.jobs import run_job
from ewc_lambda.runs import read_run
from ewc_lambda.steps import Bench, test_evaluation
from ewc_lambda.weights import load_state


def main(snakemake: Any) -> None:
    """Rule evaluate_test."""
    bench = Bench.open(snakemake, first_stage=len(snakemake.params.config["tasks"]))
    path = snakemake.input.chosen
    run = read_run(path, trial=bench.trial, importance=snakemake.wildcards.importance)
    weights = load_state(
        snakemake.input.chosen_weights, bench.problem.layout, run.origin["weights"]
    )
    loss, accuracy = test_evaluation(bench, *weights)
    tested = dataclasses.replace(run, test_loss=loss, test_accuracy=accuracy)
    bench.write(snakemake.output[0], tested)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
