"""Train one lambda step: all its replicates, from the first task's end (common random numbers) or
from the base model (independent).
"""

from typing import Any

from ewc_lambda.jobs import run_job
from ewc_lambda.records import read_json


def main(snakemake: Any) -> None:
    """Rule train_step."""
    # Imported late: a step that repeats one of the round before needs no torch.
    from ewc_lambda.repeats import repeat_step

    grid = read_json(snakemake.input.grid)
    if repeat_step(snakemake, grid):
        return
    from ewc_lambda.steps import train_step

    train_step(snakemake, grid)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
