"""Draw one figure of a study from its file alone."""

from typing import Any

from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.reporting.answers import open_study
from ewc_lambda.reporting.plotting import draw_figure


def main(snakemake: Any) -> None:
    """Rules draw_NAME, one for each figure."""
    study = open_study(snakemake.input.study)
    draw_figure(snakemake.params.figure, study, snakemake.output)
    logger.info("%s", ", ".join(snakemake.output))


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
