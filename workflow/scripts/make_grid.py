"""Write the lambdas of a round: of the bracket drawn for the trial, or of the narrower one that
the round before decided on.
"""

from typing import Any

from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.search.rounds import draw_bracket, grid
from ewc_lambda.seeding import trial_generator
from ewc_lambda.store.records import read_json, write_json


def main(snakemake: Any) -> None:
    """Rule make_grid."""
    config, wildcards = snakemake.params.config, snakemake.wildcards
    trial, round_, spacing = int(wildcards.trial), int(wildcards.round), config["spacing"]
    known: list[float] = []
    if round_ == 0:
        generator = trial_generator(config["seed"], trial, "bounds")
        bracket = draw_bracket(config["low_range"], config["high_range"], spacing, generator)
    else:
        decision = read_json(snakemake.input.decision)
        if decision["next_bracket"] is None:
            raise StudyError(
                f"{snakemake.input.decision}: the search ended with this round "
                f"({decision['stop']}); there is no round {round_}"
            )
        bracket, known = tuple(decision["next_bracket"]), decision["lambdas"]
    record = {
        "trial": trial,
        "importance": wildcards.importance,
        "round": round_,
        "bracket": list(bracket),
        "lambdas": grid(bracket, config["steps"], spacing, known),
    }
    write_json(snakemake.output[0], record)
    logger.info("lambda from %g to %g in %d steps", *bracket, config["steps"])


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
