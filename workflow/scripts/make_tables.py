"""Make the tables of a study, its answer as text, and its origin, from its file alone."""

from typing import Any

from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.reporting.summary import summary
from ewc_lambda.reporting.tables import make_tables
from ewc_lambda.reporting.tables_page import config_text, provenance_text, tables_page
from ewc_lambda.store.records import replacing


def main(snakemake: Any) -> None:
    """Rule make_tables."""
    study = open_study(snakemake.input.study)
    answers = answer_study(study)
    tables = make_tables(study, answers)
    for name, table in tables.items():
        with replacing(snakemake.output[name]) as temporary:
            table.to_csv(temporary, index=False, float_format="%.8g", lineterminator="\n")
    texts = {
        "text": summary(study, answers),
        "page": tables_page(study.name, study.tasks, tables),
        "config": config_text(study),
        "provenance": provenance_text(study),
    }
    for name, text in texts.items():
        with replacing(snakemake.output[name]) as temporary:
            temporary.write_text(text, encoding="utf-8")
    logger.info("%s", texts["text"])


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
