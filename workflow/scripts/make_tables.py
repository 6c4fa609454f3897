"""Make the tables of a study, its answer as text, and its origin, from its file alone."""

from pathlib import Path
from typing import Any

from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.reporting.exploring import explore_page
from ewc_lambda.reporting.summary import summary
from ewc_lambda.reporting.tables import make_tables
from ewc_lambda.reporting.tables_page import config_text, provenance_text, tables_page
from ewc_lambda.results.drawn import record_drawing
from ewc_lambda.store.replacing import replacing


def main(snakemake: Any) -> None:
    """Rule make_tables."""
    study = open_study(snakemake.input.study)
    answers = answer_study(study)
    tables = make_tables(study, answers)
    texts = {
        "answer.txt": summary(study, answers),
        "explore.html": explore_page(study, answers),
        "tables.html": tables_page(study.name, study.tasks, tables),
        "config.yaml": config_text(study),
        "provenance.yaml": provenance_text(study),
    }
    for path in map(Path, snakemake.output.files):
        with replacing(path) as temporary:
            if path.suffix == ".csv":
                tables[path.stem].to_csv(
                    temporary, index=False, float_format="%.8g", lineterminator="\n"
                )
            else:
                temporary.write_text(texts[path.name], encoding="utf-8")
    record, files = snakemake.output.record, snakemake.output.files
    record_drawing(record, snakemake.input.study, files, snakemake.params.code)
    logger.info("%s", texts["answer.txt"])


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
