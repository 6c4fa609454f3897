"""How far a study is, from the files that it has written so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ewc_lambda.errors import StudyError
from ewc_lambda.results.criteria import CRITERIA, MEASURE
from ewc_lambda.results.decided import Known
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import Product
from ewc_lambda.search.by_config import round_grid
from ewc_lambda.search.later_trials import is_later, steps_of
from ewc_lambda.search.rounds import width
from ewc_lambda.search.scout import is_auto
from ewc_lambda.store.records import read_json


class Standing(Known, Protocol):
    """What of a study's files is relied on."""

    def stand(self, products: Iterable[Product]) -> bool:
        """Whether all of some files are."""


class AsWritten:
    """Every file of a study as it lies there."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.rounds, self.scout, self.looks = files.rounds, files.scout, files.looks

    def stand(self, products: Iterable[Product]) -> bool:
        """Whether all of some files are there."""
        return all(Path(product.record).exists() for product in products)


@dataclass(frozen=True)
class SearchState:
    """How far one search is, in rounds of so many ``steps``.

    ``decided`` rounds are over and ``trained`` steps of the running one are done, of ``rounds``
    rounds that are expected in all; ``best`` is (what it is judged by, lambda) of the best step of
    the decided rounds, and ``judged`` what that is called; ``stop`` is why the search ended, None
    while it goes on; ``problem`` names a file that cannot be read.
    """

    steps: int
    decided: int
    trained: int
    rounds: int
    best: tuple[float, float] | None = None
    stop: str | None = None
    problem: str | None = None
    judged: str = MEASURE

    def text(self) -> str:
        """The state in words."""
        if self.problem:
            return self.problem
        if self.stop:
            said = f"finished after {_count(self.decided, 'round')} ({self.stop})"
        elif self.decided or self.trained:
            said = f"round {self.decided}, {self.trained} of {self.steps} steps"
        else:
            return "not begun"
        if self.best:
            said += f"; best so far lambda = {self.best[1]:.4g} ({self.judged} {self.best[0]:.4g})"
        return said


def read_search(
    files: Files, trial: int, name: str, standing: Standing | None = None
) -> SearchState:
    """The state of the search of a trial and an importance measure; by all files that are there, or
    by those that are ``standing``.
    """
    chosen = files.config.get("select_by", MEASURE)
    judged = MEASURE if chosen == MEASURE else CRITERIA[chosen]
    return replace(_read_search(files, trial, name, standing), judged=judged)


def _read_search(files: Files, trial: int, name: str, standing: Standing | None) -> SearchState:
    known = standing or AsWritten(files)
    place, config = {"trial": trial, "importance": name}, files.config
    decisions, ended = known.rounds(place)
    steps, decided = steps_of(config, trial), len(decisions)
    following = files.product("decision", **place, round=decided)
    if standing is None and not ended and Path(following.record).exists():
        try:
            read_json(following.record)
        except StudyError as error:
            return SearchState(steps, decided, 0, 1 + decided, problem=str(error))
    found = [
        (measure, value)
        for decision in decisions
        for measure, value in zip(decision["measures"], decision["lambdas"], strict=True)
        if measure is not None
    ]
    best = min(found, default=None)
    if ended:
        return SearchState(steps, decided, 0, decided, best, decisions[-1]["stop"])
    trained = sum(known.stand([step]) for step in files.round(place, decided)[1:])
    if is_later(config, trial):
        return SearchState(steps, decided, trained, decided + 1, best)
    scout = known.scout(name) if is_auto(config) else None
    if is_auto(config) and scout is None:
        return SearchState(steps, decided, trained, config["max_rounds"], best)
    before = decisions[-1] if decisions else None
    bracket, _ = round_grid(config, trial, before, scout=scout)
    rounds = decided + rounds_to_come(width(bracket, config["spacing"]), config, decided)
    return SearchState(steps, decided, trained, rounds, best)


def rounds_to_come(width: float, config: Mapping[str, Any], decided: int = 0) -> int:
    """Rounds that a bracket of this width (decades or lambda) still needs, after so many others.

    Each round leaves the two neighbours of the best step: 2 of ``steps - 1`` intervals. A best
    step at an end leaves one of them and may save a round, `expand_at_edge` may cost some.
    """
    rounds = 1
    while decided + rounds < config["max_rounds"]:
        width *= 2 / (config["steps"] - 1)
        if width < config["termination_threshold"]:
            break
        rounds += 1
    return rounds


@dataclass(frozen=True)
class Work:
    """Steps trained and expected, and the work done and left of all training, in trainings of one
    task.
    """

    trained: int
    expected: int
    done: float
    left: float


def study_work(
    files: Files,
    states: Mapping[tuple[int, str], SearchState],
    standing: Standing | None = None,
) -> Work:
    """What a study has done and what it is expected to do still."""
    known = standing or AsWritten(files)
    tasks = len(files.config["tasks"])
    per_step = tasks - 1 if files.shared else tasks
    trained = expected = 0
    done = left = 0.0
    for state in states.values():
        all_steps = state.steps * state.rounds
        now = state.steps * state.decided + state.trained
        # Lambdas that a round has in common with the one before are not trained again.
        again = (3 if state.steps % 2 else 2) if files.shared else 0
        trained, expected = trained + now, expected + all_steps
        later = max(state.rounds - max(state.decided, 1), 0)
        to_do = all_steps - now - again * later
        left += per_step * max(to_do, 0)
        done += per_step * (now - again * max(state.decided - 1, 0))
    for product in files.fixed(known):
        if product.kind in ("first_task", "reference"):
            # Joint training goes through the data of all tasks so far.
            joint = product.place.get("reference") == "joint"
            whole = tasks * (tasks + 1) / 2 if joint else tasks
            size = 1 if product.kind == "first_task" else whole - files.shared
            there = known.stand([product])
            done, left = done + size * there, left + size * (not there)
    return Work(trained, expected, done, left)


def read_searches(
    files: Files, standing: Standing | None = None
) -> dict[tuple[int, str], SearchState]:
    """The state of every search of a study, by trial and importance measure."""
    places = (tuple(place.values()) for place in files.searches(standing))
    return {(trial, name): read_search(files, trial, name, standing) for trial, name in places}


def progress_lines(files: Files, standing: Standing | None = None) -> list[str]:
    """A line per search, and one for the study."""
    states = read_searches(files, standing)
    lines = [f"trial {trial}, {name}: {state.text()}" for (trial, name), state in states.items()]
    work = study_work(files, states, standing)
    return [*lines, f"{work.trained} of about {work.expected} lambda steps are done."]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
