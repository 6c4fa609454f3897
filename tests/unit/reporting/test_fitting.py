"""Lines of an answer in a terminal."""

from io import StringIO

import pytest

from ewc_lambda.reporting.fitting import fitted
from ewc_lambda.reporting.lines import line

LINES = [
    "fisher: the lambda to use is 321.",
    line("accuracy", " ".join(["96.8% (96.3% to 97.3%) at the chosen lambda,"] * 4)),
    "",
    "    0: " + "best " * 30,
    "results/" + "x" * 200,
]


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.fixture(params=["80", "120"])
def columns(request, monkeypatch):
    monkeypatch.setenv("COLUMNS", request.param)
    return int(request.param)


def test_what_does_not_fit_goes_on_below_where_it_began(columns):
    shown = fitted(LINES, Terminal())
    assert shown[0] == LINES[0]
    assert all(len(each) <= columns for each in shown[:-1])
    label, *rest = [each for each in shown if "chosen" in each]
    assert rest
    assert label.startswith("  accuracy         96.8%")
    assert all(len(each) - len(each.lstrip()) == 19 for each in rest)
    assert " ".join(" ".join(shown).split()) == " ".join(" ".join(LINES).split())
    assert shown[-1].strip() == LINES[-1], "a path stays one"
    assert "" in shown


def test_a_file_gets_them_as_they_are():
    assert fitted(LINES, StringIO()) == LINES
