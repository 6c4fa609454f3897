"""What a trial does in a round, and what follows from it, by the config of its study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ewc_lambda.search.later_bracket import found_by, later_bracket
from ewc_lambda.search.later_trials import decide_later, is_later, steps_of
from ewc_lambda.search.rounds import Bracket, Decision, decide, draw_bracket, grid
from ewc_lambda.search.scout import is_auto
from ewc_lambda.seeding import trial_generator

Decided = Sequence[Mapping[str, Any]]


def round_grid(
    config: Mapping[str, Any],
    trial: int,
    before: Mapping[str, Any] | None = None,
    first_trials: Sequence[Decided] = (),
    scout: Mapping[str, Any] | None = None,
) -> tuple[Bracket, list[float]]:
    """Bracket and lambdas of a round: of the bracket that is drawn for the trial, of what the first
    trials' decisions say for a later one, or of the bracket that follows from the decision of the
    round ``before``. Where all that the first trials trained diverged, a later one draws, too; the
    ranges to draw from are those of the config or, with auto, of its ``scout``.
    """
    spacing, steps = config["spacing"], steps_of(config, trial)
    if before is not None:
        low, high = before["next_bracket"]
        return (low, high), grid((low, high), steps, spacing, searched_before(before))
    found = [known for known in map(found_by, first_trials) if known is not None]
    if is_later(config, trial) and found:
        bracket = later_bracket(found, spacing)
    else:
        generator = trial_generator(config["seed"], trial, "bounds")
        ranges = scout if scout is not None and is_auto(config) else config
        bracket = draw_bracket(ranges["low_range"], ranges["high_range"], spacing, generator)
    return bracket, grid(bracket, steps, spacing)


def searched_before(before: Mapping[str, Any] | None) -> list[float]:
    """Lambdas of all rounds up to the one that ``before`` decides, rising; none before round 0."""
    if before is None:
        return []
    # Decisions of earlier versions know of their own round alone.
    return sorted({*before.get("searched", ()), *before["lambdas"]})


def decide_round(
    config: Mapping[str, Any],
    place: Mapping[str, Any],
    lambdas: Sequence[float],
    measures: Sequence[float],
    searched: Sequence[float] = (),
) -> Decision:
    """What follows from the measures of a round at a ``place`` (trial, round), with the lambdas of
    all rounds before.
    """
    if is_later(config, place["trial"]):
        return decide_later(
            lambdas,
            measures,
            spacing=config["spacing"],
            round_=place["round"],
            max_rounds=config["max_rounds"],
        )
    return decide(
        lambdas,
        measures,
        spacing=config["spacing"],
        threshold=config["termination_threshold"],
        round_=place["round"],
        max_rounds=config["max_rounds"],
        expand_at_edge=config["expand_at_edge"],
        searched=searched,
    )
