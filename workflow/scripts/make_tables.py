"""Make the summary tables of a study, and its answer as text, from its file alone."""

from typing import Any

from ewc_lambda.answers import answer_study, open_study
from ewc_lambda.jobs import logger, run_job
from ewc_lambda.records import replacing
from ewc_lambda.summary import summary
from ewc_lambda.tables import make_tables


def main(snakemake: Any) -> None:
    """Rule make_tables."""
    study = open_study(snakemake.input.study)
    answers = answer_study(study)
    for name, table in make_tables(study, answers).items():
        with replacing(snakemake.output[name]) as temporary:
            table.to_csv(temporary, index=False, float_format="%.8g", lineterminator="\n")
    text = summary(study, answers)
    with replacing(snakemake.output.text) as temporary:
        temporary.write_text(text, encoding="utf-8")
    logger.info("%s", text)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
