"""Read (or download) the data set and write every task's splits."""

import sys
from typing import Any

from ewc_lambda.data.prepared import write_prepared
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.store.provenance import provenance


def main(snakemake: Any) -> None:
    """Rule prepare_data."""
    params = snakemake.params
    scenario = build_scenario({**params.config, **params.place})
    for task in scenario.tasks:
        sizes = {split: len(y) for split, (_, y) in task.splits.items()}
        logger.info("task %s: %s", task.name, sizes)
    for note in scenario.notes:
        logger.warning("%s", note)
        # A job's log is read where something went wrong, and this need not be.
        print(f"{snakemake.rule}: {note}.", file=sys.stderr)
    write_prepared(snakemake.output[0], scenario, provenance(params.code, params.config))


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
