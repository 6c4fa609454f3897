"""Train a reference line of a trial: fine-tuning (lambda = 0), or jointly on all tasks so far."""

from typing import Any

from ewc_lambda.jobs.run_job import run_job
from ewc_lambda.jobs.steps import train_reference


def main(snakemake: Any) -> None:
    """Rule train_reference."""
    train_reference(snakemake)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
