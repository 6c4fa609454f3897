"""Find the ranges from which an importance measure's first brackets are drawn."""

from typing import Any

from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.jobs.scout import scout_measures
from ewc_lambda.search.scout import LAMBDAS, ranges
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.records import write_json
from ewc_lambda.store.stamps import digest_of, stamped


def main(snakemake: Any) -> None:
    """Rule scout."""
    params, wildcards = snakemake.params, snakemake.wildcards
    place = {"trial": int(wildcards.trial), "importance": wildcards.importance}
    measures, origin = scout_measures(snakemake, LAMBDAS)
    found = ranges(LAMBDAS, measures)
    record = {**place, "lambdas": list(LAMBDAS), "measures": measures, **found}
    origin = {**origin, "labels": digest_of(place)}
    record |= stamped(provenance(params.code, params.config), origin)
    write_json(snakemake.output.record, record)
    logger.info("low_range %s, high_range %s", found["low_range"], found["high_range"])


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
