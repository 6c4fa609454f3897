"""Train lambda steps of a round: one, or several in one program (steps_per_job)."""

from typing import Any

from ewc_lambda.config.own_trainer import trained_by_user
from ewc_lambda.jobs import own_steps
from ewc_lambda.jobs.repeats import repeat_step
from ewc_lambda.jobs.run_job import imports_that_stay, run_job
from ewc_lambda.jobs.step_files import step_files
from ewc_lambda.store.records import read_json


def main(snakemake: Any) -> None:
    """Rules train_step and train_steps."""
    grid = read_json(snakemake.input.grid)
    steps = step_files(snakemake.output)
    repeated = [step for step in steps if repeat_step(snakemake, grid, step)]
    new = [step for step in steps if step not in repeated]
    if new and trained_by_user(snakemake.params.config):
        own_steps.train_steps(snakemake, grid, new)
    elif new:
        # Imported late: a step that repeats one of the round before needs no torch.
        with imports_that_stay():
            from ewc_lambda.jobs.steps import train_steps

        train_steps(snakemake, grid, new, repeated)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
