"""What ``ewc-lambda report`` and ``summary`` have of a study that is not finished."""

from __future__ import annotations

from pathlib import Path

from ewc_lambda.command.named_study import NamedStudy
from ewc_lambda.results.files import Files
from ewc_lambda.results.run_tables import write_tables
from ewc_lambda.results.so_far import study_so_far
from ewc_lambda.results.study_file import Study
from ewc_lambda.store.replacing import replacing
from ewc_lambda.upkeep.survey import Survey

CAPTIONS = Path("workflow/report/figures")


def is_unfinished(named: NamedStudy) -> bool:
    """Whether a study's results are there without its study file, or its file is of another config
    than theirs.
    """
    if named.config_file is None or not any(named.file.parent.glob("trial_*")):
        return False
    return not named.file.is_file() or bool(named.made_with())


def standing(named: NamedStudy) -> tuple[Files, Survey]:
    """The files of a study, and which of them are of today's config, whatever code made them."""
    files = Files(named.config(), named.file.parent.parent)
    return files, Survey(files, any_code=True)


def report_so_far(named: NamedStudy, page: Path) -> None:
    """Write a page of what there is, and its data beside it, a study file like any other.

    Raises:
        StudyError: nothing can be said yet.

    """
    # Imported late: a study of which nothing is there needs neither statistics nor figures.
    from ewc_lambda.reporting.unfinished_page import unfinished_page

    tables, attributes = study_so_far(*standing(named))
    data = page.with_name(f"{attributes['config']['study']}_so_far.h5")
    write_tables(data, tables, attributes)
    study = Study.read(data)
    go_on = f"snakemake --cores all --configfile {named.config_file}"
    text = unfinished_page(study, CAPTIONS, go_on)
    with replacing(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"{study.name} is not finished. Missing:")
    print("".join(f"  {line}\n" for line in study.unfinished), end="")
    print(f"{page}: one page of what there is; {data}: its data, for Python and the notebook")
    print(f"The study goes on with: {go_on}")
