"""The contents of the report agree with the files that draw, write and explain its entries."""

import ast
from pathlib import Path

import ewc_lambda.reporting
from ewc_lambda.reporting.contents import DRAWN, FIGURES, TABLES, WRITTEN

ROOT = Path(__file__).parents[3]
REPORTING = Path(ewc_lambda.reporting.__file__).parent


def files_that_define(folder, *functions):
    """Names of the modules of a folder that have all these functions of a study."""
    found = set()
    for path in (REPORTING / folder).glob("*.py"):
        defined = {
            node.name: node.args.args[0].arg
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef) and node.args.args
        }
        if set(functions) <= set(defined) and defined[functions[0]] == "study":
            found.add(path.stem)
    return found


def test_every_figure_has_its_file_and_every_file_its_figure():
    assert files_that_define("plotting", "extract", "draw") == set(FIGURES)


def test_every_table_has_its_file_and_every_file_its_table():
    assert files_that_define("tables", "table") == set(TABLES)


def test_every_entry_has_a_caption_and_every_caption_an_entry():
    captions = ROOT / "workflow/report"
    written = {file for category in WRITTEN for file in category.titles}
    assert {path.name for path in (captions / "figures").iterdir()} == {f"{f}.rst" for f in FIGURES}
    assert {path.name for path in (captions / "tables").iterdir()} == {f"{f}.rst" for f in written}


def test_every_figure_is_in_the_gallery():
    page = (ROOT / "docs/figures.md").read_text()
    headings = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert [heading for heading in headings if heading in FIGURES] == list(FIGURES)


def test_labels_are_numbered_in_the_order_of_the_entries():
    assert DRAWN.labels()["bracket"] == {"figure": "4 bracket over rounds"}
    assert WRITTEN[1].labels()["tables.html"] == {"table": "1 all tables, to look at"}
    names = [DRAWN.name, *(category.name for category in WRITTEN)]
    assert sorted(names) == ["1 Answer", "2 Figures", "3 Tables", "4 Config and provenance"]
