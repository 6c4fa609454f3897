"""Gather all searches, reference lines and test evaluations into the study file."""

from typing import Any

from ewc_lambda.data.prepared import read_notes, read_task_names
from ewc_lambda.jobs.gathering import gathered_origin
from ewc_lambda.jobs.run_job import run_job
from ewc_lambda.results.criteria import MEASURE
from ewc_lambda.results.run_tables import joined, read_tables, run_table, write_tables
from ewc_lambda.results.runs import read_run
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.records import read_json


def main(snakemake: Any) -> None:
    """Rule collect_study."""
    inputs, params = snakemake.input, snakemake.params
    searches = [read_tables(path)[0] for path in inputs.searches]
    first = _runs(inputs.first_tasks)
    skip = first[0].loss.shape[1] if first else 0
    by = params.config.get("select_by", MEASURE)
    tables = {
        "steps": joined([search["steps"] for search in searches]),
        "rounds": joined([search["rounds"] for search in searches]),
        # A trainer of one's own may leave the first task to each run.
        "first_tasks": _table(first) if skip else {},
        "references": _table(_runs(inputs.references), skip, by),
        "tests": _table(_tests(inputs.tests), skip),
    }
    names = read_task_names(inputs.data)
    attributes = {
        "content": "study",
        "config": params.config,
        "tasks": {"names": names},
        "provenance": provenance(params.code, params.config),
    }
    if looks := [read_json(path) for path in inputs.get("looks", [])]:
        said = ("trials", "widths", "gains", "next_trials", "stop")
        attributes["looks"] = {
            str(n): {key: at[key] for key in said if key in at} for n, at in enumerate(looks)
        }
    notes = read_notes(inputs.data)
    if notes:
        attributes["notes"] = notes
    origin = gathered_origin("study", inputs, {"study": params.config["study"]})
    write_tables(snakemake.output[0], tables, attributes, origin)


def _runs(paths: Any) -> list[Any]:
    return [read_run(path) for path in paths]


def _tests(paths: Any) -> list[Any]:
    # A search whose steps all diverged left nothing to test.
    return [read_run(path) for path in paths if read_tables(path)[1]["content"] == "run"]


def _table(runs: list[Any], skip: int = 0, by: str = MEASURE) -> dict[str, Any]:
    return run_table(runs, [run.sha256 for run in runs], skip, by)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
