"""Draw one figure of a study from its file alone."""

from typing import Any

from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.reporting.answers import open_study
from ewc_lambda.reporting.plotting import draw_figure
from ewc_lambda.results.drawn import record_drawing


def main(snakemake: Any) -> None:
    """Rules draw_NAME, one for each figure."""
    study, output = open_study(snakemake.input.study), snakemake.output
    pictures = [output.png, output.svg]
    draw_figure(snakemake.params.figure, study, pictures)
    record_drawing(output.record, snakemake.input.study, pictures, snakemake.params.code)
    logger.info("%s", ", ".join(pictures))


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
