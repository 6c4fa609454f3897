"""Train a reference line of a trial: fine-tuning (lambda = 0), or jointly on all tasks so far."""

from typing import Any

from ewc_lambda.config.own_trainer import trained_by_user
from ewc_lambda.jobs import own_steps
from ewc_lambda.jobs.run_job import run_job
from ewc_lambda.jobs.steps import train_reference


def main(snakemake: Any) -> None:
    """Rule train_reference."""
    own = trained_by_user(snakemake.params.config)
    (own_steps.train_reference if own else train_reference)(snakemake)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
