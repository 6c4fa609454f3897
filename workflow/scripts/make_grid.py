"""Write the lambdas of a round: of the bracket drawn for the trial, or of the narrower one that
the round before decided on.
"""

from itertools import groupby
from typing import Any

from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.gathering import gathered_origin
from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.search.by_config import round_grid, searched_before
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.records import read_json, write_json
from ewc_lambda.store.stamps import stamped


def main(snakemake: Any) -> None:
    """Rule make_grid."""
    params, wildcards = snakemake.params, snakemake.wildcards
    place = {
        "trial": int(wildcards.trial),
        "importance": wildcards.importance,
        "round": int(wildcards.round),
    }
    before, first = None, _first_trials(snakemake.input.get("first_decisions", []))
    scout = snakemake.input.get("scout")
    scout = scout and read_json(scout)
    if place["round"] > 0:
        before = read_json(snakemake.input.decision)
        if before["next_bracket"] is None:
            raise StudyError(
                f"{snakemake.input.decision}: the search ended with this round "
                f"({before['stop']}); there is no round {place['round']}"
            )
    bracket, lambdas = round_grid(params.config, place["trial"], before, first, scout)
    origin = gathered_origin("grid", snakemake.input, place)
    record = {**place, "bracket": list(bracket), "lambdas": lambdas}
    record |= {"searched": searched_before(before)}
    record |= stamped(provenance(params.code, params.config), origin)
    write_json(snakemake.output[0], record)
    logger.info("lambda from %g to %g in %d steps", *bracket, len(lambdas))


def _first_trials(paths: list[str]) -> list[list[dict[str, Any]]]:
    """The decisions of the first trials, of each together."""
    decisions = [read_json(path) for path in paths]
    return [list(each) for _, each in groupby(decisions, lambda said: said["trial"])]


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
