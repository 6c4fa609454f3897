"""A study that is not finished, as the tables of a study file: its decided rounds, and in words
what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ewc_lambda.data.prepared import read_notes, read_task_names
from ewc_lambda.errors import StudyError
from ewc_lambda.results.criteria import MEASURE
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import Product
from ewc_lambda.results.progress import Standing, progress_lines, read_searches
from ewc_lambda.results.round_table import round_table
from ewc_lambda.results.run_tables import Table, run_table
from ewc_lambda.results.runs import Run, read_run
from ewc_lambda.store.records import read_attributes

_LINES = {"finetuning": "lambda = 0", "joint": "joint training"}


def study_so_far(files: Files, known: Standing) -> tuple[dict[str, Table], dict[str, Any]]:
    """Tables and attributes, as `write_tables` takes them, of every round whose steps all stand.
    The attribute ``unfinished`` says in a sentence each what is missing.

    Raises:
        StudyError: no round is decided yet; says how far the study is.

    """
    first = {run.labels["trial"]: run for run in _first_tasks(files, known)}
    decisions: list[dict[str, Any]] = []
    steps: list[Run] = []
    tests: list[Run] = []
    for place in files.searches(known):
        if files.shared and place["trial"] not in first:
            continue
        for decision in _whole_rounds(files, known, place):
            decisions.append(decision)
            steps += map(_read, files.steps({**place, "round": decision["round"]}))
        tests += _tested(files, known, place)
    if not steps:
        far = progress_lines(files, known)[-1].rstrip(".")
        raise StudyError(
            f"{files.folder}: no round is decided yet, so there is nothing to report ({far}). Run "
            f"the study's command again, which goes on with it."
        )
    trials = {run.labels["trial"] for run in steps}
    shared = [run for trial, run in first.items() if trial in trials]
    skip = shared[0].loss.shape[1] if shared else 0
    lines = [
        run for run in map(_read, _references(files, known, True)) if run.labels["trial"] in trials
    ]
    by = files.config["select_by"]
    tables = {
        "steps": _table(steps, skip, by),
        "rounds": round_table(decisions),
        "first_tasks": _table(shared) if skip else {},
        "references": _table(lines, skip, by),
        "tests": _table(tests, skip),
    }
    return {name: table for name, table in tables.items() if table}, _attributes(files, known)


def missing_lines(files: Files, known: Standing) -> list[str]:
    """What a study that is not finished lacks, a sentence each."""
    states = read_searches(files, known)
    lines = [
        f"trial {trial}, {name}: {state.text()}"
        for (trial, name), state in states.items()
        if not state.stop
    ]
    lines += [
        f"trial {product.place['trial']}: {_LINES[str(product.place['reference'])]} is not trained"
        for product in _references(files, known, False)
    ]
    return lines or ["all is trained; the last run ended before it was gathered"]


def _attributes(files: Files, known: Standing) -> dict[str, Any]:
    data = files.product("data").record
    config = {**files.config, "trials": len(files.trials(known))}
    attributes: dict[str, Any] = {
        "content": "study",
        "config": config,
        "tasks": {"names": read_task_names(data)},
        "unfinished": missing_lines(files, known),
    }
    notes = read_notes(data)
    return {**attributes, "notes": notes} if notes else attributes


def _first_tasks(files: Files, known: Standing) -> Iterator[Run]:
    for trial in files.trials(known) if files.shared else ():
        product = files.product("first_task", trial=trial)
        if known.stand([product]):
            yield _read(product)


def _references(files: Files, known: Standing, there: bool) -> Iterator[Product]:
    """Reference lines that are ``there``, or those that are not."""
    for product in files.fixed(known):
        if product.kind == "reference" and known.stand([product]) == there:
            yield product


def _whole_rounds(files: Files, known: Standing, place: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Decisions of a search up to the first round of which a step is lost."""
    for decision in known.rounds(place).decided:
        if not known.stand(files.steps({**place, "round": decision["round"]})):
            return
        yield decision


def _tested(files: Files, known: Standing, place: dict[str, Any]) -> Iterator[Run]:
    if not known.rounds(place).ended:
        return
    for product in files.ends(place):
        # A search whose steps all diverged left nothing to test.
        wanted = product.kind == "test" and known.stand([product])
        if wanted and read_attributes(product.record).get("content") == "run":
            yield _read(product)


def _read(product: Product) -> Run:
    return read_run(product.record)


def _table(runs: list[Run], skip: int = 0, by: str = MEASURE) -> Table:
    return run_table(runs, [run.sha256 for run in runs], skip, by)
