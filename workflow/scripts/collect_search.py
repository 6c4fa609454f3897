"""Gather all rounds and steps of one search."""

from typing import Any

from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.gathering import gathered_origin
from ewc_lambda.jobs.run_job import run_job
from ewc_lambda.results.criteria import MEASURE
from ewc_lambda.results.round_table import round_table
from ewc_lambda.results.run_tables import run_table, write_tables
from ewc_lambda.results.runs import Run, read_run, trial_origin
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.records import read_json


def main(snakemake: Any) -> None:
    """Rule collect_search."""
    decisions = [read_json(path) for path in snakemake.input.decisions]
    if decisions[-1]["stop"] is None:
        raise StudyError(f"{snakemake.input.decisions[-1]}: the search goes on after it")
    runs: list[Run] = []
    seals: list[str] = []
    origin = trial_origin(snakemake.input, decisions[0]["importance"])
    paths = iter(snakemake.input.steps)
    for decision in decisions:
        for step, value in enumerate(decision["lambdas"]):
            expected = {
                "trial": decision["trial"],
                "importance": decision["importance"],
                "round": decision["round"],
                "step": step,
                "lambda": value,
            }
            run = read_run(next(paths), **expected, **origin)
            runs.append(run)
            seals.append(run.sha256)
    # What the steps of a trial share stands in its first task's record, once.
    skip, params = 0, snakemake.params
    if params.config["randomness"] == "common":
        skip = read_run(snakemake.input.first_task).loss.shape[1]
    by = params.config.get("select_by", MEASURE)
    tables = {"steps": run_table(runs, seals, skip, by), "rounds": round_table(decisions)}
    place = {"trial": decisions[0]["trial"], "importance": decisions[0]["importance"]}
    attributes = {"content": "search", "provenance": provenance(params.code, params.config)}
    origin = gathered_origin("search", snakemake.input, place)
    write_tables(snakemake.output[0], tables, attributes, origin)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
