"""Evaluate the chosen lambda of a trial's search on the test split, once."""

from typing import Any

import torch

from ewc_lambda.jobs.open_trial import OpenTrial
from ewc_lambda.jobs.run_job import run_job
from ewc_lambda.networks.weights import load_state
from ewc_lambda.results.run_tables import write_tables
from ewc_lambda.results.runs import read_run
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.stamps import digest_of


def main(snakemake: Any) -> None:
    """Rule evaluate_test."""
    opened = OpenTrial.open(snakemake, range(0), test=True)
    importance = snakemake.wildcards.importance
    path = snakemake.input.get("chosen")
    if path is None:
        # Every step of the search diverged, so it chose none.
        attributes = {
            "content": "nothing to test",
            "provenance": provenance(opened.code, opened.config, torch=torch),
        }
        place = {"trial": opened.trial, "importance": importance}
        origin = {**opened.origin, "labels": digest_of(place)}
        write_tables(snakemake.output[0], {}, attributes, origin)
        return
    run = read_run(path, trial=opened.trial, importance=importance, **opened.origin)
    problem, digest = opened.problem, run.origin["weights"]
    chosen = snakemake.input.chosen_weights
    weights = load_state(chosen, problem.layout, digest, problem.device)
    opened.write(snakemake.output[0], opened.tested(run, *weights), {})


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
