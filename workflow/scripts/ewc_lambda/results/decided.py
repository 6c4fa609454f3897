"""What is decided so far: round by round of a search, look by look of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

FEW = 5
"""Trials at the first look, where the config leaves it open: a spread of fewer is a guess."""

TARGETS = ("target_width", "target_gain")
"""Keys of the config by which a study adds trials."""


class Decided(NamedTuple):
    """The decisions so far, and whether the last one ended it."""

    decided: list[dict[str, Any]]
    ended: bool

    @property
    def length(self) -> int:
        """How many decisions there are and are waited for."""
        return len(self.decided) + (not self.ended)


class Known(Protocol):
    """What is decided, by whatever is to be relied on."""

    def rounds(self, place: Mapping[str, Any]) -> Decided:
        """What is decided of a search."""

    def scout(self, importance: str) -> dict[str, Any] | None:
        """What the scout of an importance measure found, if it has."""

    def looks(self, most: int | None = None) -> Decided:
        """What is decided of the study, in its first looks (``most``) or in all. Where the number
        of trials is fixed there is nothing to decide.
        """


def decided(said: Callable[[int], dict[str, Any] | None], most: int | None = None) -> Decided:
    """Decisions 0, 1, ... as they are ``said``, up to one that is not, or that ends it all."""
    found: list[dict[str, Any]] = []
    while len(found) != most and (each := said(len(found))) is not None:
        found.append(each)
        if each["stop"] is not None:
            return Decided(found, ended=True)
    return Decided(found, ended=False)


def chosen(decisions: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """Round and step of the lambda that a search chose: the best of all its rounds. None where all
    diverged.
    """
    best = [(d["measures"][d["optimum_step"]], d) for d in decisions if d["optimum"] is not None]
    if not best:
        return None
    decision = min(best, key=lambda pair: pair[0])[1]
    return {"round": decision["round"], "step": decision["optimum_step"]}


def targets(config: Mapping[str, Any]) -> dict[str, float]:
    """How wide intervals may be where the study of a config stops, by its key; none where its
    number of trials is fixed. Configs of earlier versions lack keys.
    """
    return {key: float(config[key]) for key in TARGETS if config.get(key) is not None}


def trials_at(config: Mapping[str, Any], looks: Sequence[Mapping[str, Any]]) -> int:
    """How many trials there are to be after some looks."""
    if not targets(config):
        return int(config["trials"])
    if not looks:
        return int(config["min_trials"] or min(FEW, config["trials"]))
    last = looks[-1]
    return int(last["trials"] if last["next_trials"] is None else last["next_trials"])
