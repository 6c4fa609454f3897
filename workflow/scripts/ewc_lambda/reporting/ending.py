"""The answer in so few lines that it fits a terminal below what a run has printed."""

from __future__ import annotations

from collections.abc import Mapping

from ewc_lambda.reporting.answers import Answers, answer_study
from ewc_lambda.reporting.comparison_lines import comparison_lines
from ewc_lambda.reporting.field_lines import field_lines
from ewc_lambda.reporting.field_metrics import metric_rows
from ewc_lambda.reporting.stopping_lines import cost_line
from ewc_lambda.reporting.summary import head_lines, importance_lines, summary
from ewc_lambda.results.study_file import Study

# Of one importance measure, and of each where there are several.
_EACH = ("lambda to use", "best lambda", "accuracy", "forgetting")
_ALONE = (*_EACH, "cost", "tolerance", "resolved", "gain", "distance")
_ALWAYS = ("range", "edge")


def ending(study: Study, go_on: Mapping[str, str]) -> list[str]:
    """The answer's first lines, and the commands that go on from it, by what they give."""
    found = answer_study(study)
    head = head_lines(study, found)
    # All that stands before the cost; that, too, where nothing else does.
    cost = head.index(cost_line(study))
    lines = [*head[: max(cost, 2)], *_answer(study, found)]
    if study.sweep:
        lines = summary(study, found).splitlines()
    wide = max(map(len, go_on)) + 1
    return ["", *lines, "", *(f"{what + ':':<{wide}}  {word}" for what, word in go_on.items())]


def _answer(study: Study, found: Answers) -> list[str]:
    several = len(found.importances) > 1
    wanted = (*(_EACH if several else _ALONE), *_ALWAYS)
    lines, rows = [], metric_rows(study)
    for each in found:
        head, *rest = importance_lines(each, field_lines(rows, each.importance))
        lines += ["", head, *(line for line in rest if line.strip().startswith(wanted))]
    return [*lines, "", *comparison_lines(found)] if several else lines
