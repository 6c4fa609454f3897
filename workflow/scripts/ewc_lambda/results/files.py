"""Every file of a study, and what it is made from.

From here and from the table in `results.kinds` the rules take paths, inputs and parameters, a run
what it has to make (`upkeep.survey`), and ``verify`` what to check (`upkeep.integrity`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ewc_lambda.config.own_trainer import offers_joint, trained_by_user
from ewc_lambda.config.study_config import part, without_later
from ewc_lambda.errors import StudyError
from ewc_lambda.results.decided import Decided, Known, decided, targets, trials_at
from ewc_lambda.results.kinds import KINDS, REFERENCES, Product
from ewc_lambda.search.later_trials import is_later, steps_of
from ewc_lambda.search.scout import is_auto
from ewc_lambda.store.code import code_digest, source_digest
from ewc_lambda.store.provenance import own_files, recipe_of
from ewc_lambda.store.records import read_json

# Where files lie and how work is cut into jobs is no part of a result, but for the last bit of
# members that are stacked with more or fewer others.
_NO_RESULT = ("place", "jobs")


class Files:
    """The files of the study of a resolved config, in a folder of all studies' results. ``codes``
    are those that a run was planned with (`codes`), for its jobs.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        results: str | Path = "results",
        codes: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self._codes = dict(codes or {})
        self.config = config
        self.folder = f"{results}/{config['study']}"
        # With common random numbers the steps of a trial share its first task.
        self.shared = config["randomness"] == "common"
        # A trainer's weights are its own.
        self._own = trained_by_user(config)
        self._keeps_weights = config["save_weights"] and not self._own

    @property
    def place(self) -> dict[str, Any]:
        """Where the files of a data set lie, and how they are read: no part of a result."""
        return part(self.config, "place")

    @property
    def alone(self) -> bool:
        """Whether the study file is there without the results that it was gathered from: raw data
        of its own.
        """
        return Path(self.record("study")).exists() and not any(Path(self.folder).glob("trial_*"))

    def record(self, kind: str) -> str:
        """Path of a kind's record, with wildcards."""
        return f"{self.folder}/{KINDS[kind].record}"

    def weights(self, kind: str) -> str | None:
        """Path of a kind's weights, with wildcards; None where there are none, or none are kept."""
        always = ("first_task",) if self._own else ("base_model", "first_task")
        below = KINDS[kind].weights
        kept = kind in always or self._keeps_weights
        return f"{self.folder}/{below}" if below and kept else None

    def product(self, kind: str, **place: Any) -> Product:
        """A file of a kind, by its place."""
        weights = self.weights(kind)
        return Product(
            kind,
            self.record(kind).format(**place),
            weights and weights.format(**place),
            {name: int(v) if str(v).isdigit() else v for name, v in place.items()},
        )

    def config_of(self, kind: str) -> dict[str, Any]:
        """The part of the config that a kind of file depends on."""
        config = self.config
        if kind == "study":
            without = part(config, *_NO_RESULT)
            return without_later({k: value for k, value in config.items() if k not in without})
        keys = KINDS[kind].keys
        if kind == "step" and config["racing"]:
            # How many steps race decides how long an end of the grid stays.
            keys = (*keys, "steps")
        parts = KINDS[kind].parts
        if kind == "base_model" and self._own:
            # It is made once the trainer was tried.
            parts = KINDS["reference"].parts
        own = without_later({key: config[key] for key in keys})
        return part(config, *parts) | own

    def code_of(self, kind: str) -> str:
        """Digest of the code that a kind of file depends on: its script and those of what it is
        made from, with all that they import, and the user's own model.
        """
        return self._digests(kind)[0]

    def codes(self) -> dict[str, tuple[str, str]]:
        """Digests of the code of every kind of file: of its meaning, and of its bytes."""
        return {kind: self._digests(kind) for kind in KINDS}

    def made_by(self, kind: str) -> dict[str, Any]:
        """Parameters of the job that makes a kind of file: its config, its code, and what of the
        code must not change meanwhile.
        """
        scripts, own = self._code(kind)
        code, digest = self._digests(kind)
        source = {"scripts": list(scripts), "files": list(own), "sha256": digest}
        return {"config": self.config_of(kind), "code": code, "source": source}

    def recipe(self, kind: str) -> str:
        """Today's recipe of a kind of file."""
        return recipe_of({"code_sha256": self.code_of(kind), "config": self.config_of(kind)})

    def rounds(self, place: Mapping[str, Any]) -> Decided:
        """What the decisions of a search say, up to the first that is missing or broken."""
        return decided(lambda n: _said(self.product("decision", **search_of(place), round=n)))

    def scout(self, importance: str) -> dict[str, Any] | None:
        """What the scout of an importance measure found; None where it has not."""
        return _said(self.scout_file(importance))

    def scout_file(self, importance: str) -> Product:
        """The scout of an importance measure: of the first trial, for all."""
        return self.product("scout", trial=0, importance=importance)

    @property
    def references(self) -> list[str]:
        """The reference lines of each trial."""
        # Configs of earlier versions have no such key.
        wanted = self.config.get("references", REFERENCES)
        offered = REFERENCES if offers_joint(self.config) else REFERENCES[:1]
        return [name for name in offered if name in wanted]

    def looks(self, most: int | None = None) -> Decided:
        """What the looks of the study say, up to the first that is missing or broken."""
        if not targets(self.config):
            return Decided([], ended=True)
        return decided(lambda n: _said(self.product("look", look=n)), most)

    def trials(self, known: Known | None = None) -> range:
        """The trials of the study, as far as it is known how many it takes."""
        return range(trials_at(self.config, (known or self).looks().decided))

    def first_trials(self, place: Mapping[str, Any], known: Known | None = None) -> list[Decided]:
        """What is decided of the first trials' searches, which that of a later one goes by; none
        where the trial draws its own bracket.
        """
        if not is_later(self.config, place["trial"]):
            return []
        at = {"importance": place["importance"]}
        return [
            (known or self).rounds({**at, "trial": t}) for t in range(self.config["first_trials"])
        ]

    def fixed(self, known: Known | None = None) -> Iterator[Product]:
        """What a study makes whatever its searches decide, in the order in which it is made."""
        yield self.product("data")
        for trial in self.trials(known):
            yield self.product("base_model", trial=trial)
            if self.shared:
                yield self.product("first_task", trial=trial)
            if trial == 0 and is_auto(self.config):
                yield from map(self.scout_file, self.config["importance"])
            for reference in self.references:
                yield self.product("reference", trial=trial, reference=reference)

    def searches(self, known: Known | None = None) -> Iterator[dict[str, Any]]:
        """The places of a study's searches."""
        for trial in self.trials(known):
            for importance in self.config["importance"]:
                yield {"trial": trial, "importance": importance}

    def products(self, known: Known | None = None) -> Iterator[Product]:
        """All files of the study, as far as it is known to go, each after what it is made from."""
        known = known or self
        yield from self.fixed(known)
        for place in self.searches(known):
            for decision in self.decisions(place, known.rounds(place)):
                yield from self.round(place, decision.place["round"])
                yield decision
            yield from self.ends(place)
        yield from self.look_files(known)
        yield self.product("study")

    def round(self, place: Mapping[str, Any], round_: int) -> list[Product]:
        """Grid and steps of a round of a search."""
        at = {**search_of(place), "round": round_}
        return [self.product("grid", **at), *self.steps(at)]

    def ends(self, place: Mapping[str, Any]) -> list[Product]:
        """What is made of a search once it has ended."""
        # What is evaluated on the test split are the weights of the chosen step.
        kinds = ("search", "test") if self._keeps_weights else ("search",)
        return [self.product(kind, **search_of(place)) for kind in kinds]

    def _digests(self, kind: str) -> tuple[str, str]:
        if kind not in self._codes:
            scripts, own = self._code(kind)
            self._codes[kind] = code_digest(*scripts, files=own), source_digest(*scripts, files=own)
        code, source = self._codes[kind]
        return code, source

    def _code(self, kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Scripts, and files of the user's."""
        scripts = tuple(KINDS[name].script for name in (*KINDS[kind].above, kind))
        return scripts, own_files(self.config) if "model" in KINDS[kind].parts else ()

    def steps(self, place: Mapping[str, Any]) -> list[Product]:
        """The steps of a round of a search."""
        at = {**search_of(place), "round": place["round"]}
        steps = range(steps_of(self.config, place["trial"]))
        return [self.product("step", **at, step=step) for step in steps]

    def decisions(self, place: Mapping[str, Any], known: Decided) -> list[Product]:
        """The decisions of a search as far as it is known to go."""
        at = search_of(place)
        return [self.product("decision", **at, round=round_) for round_ in range(known.length)]

    def look_files(self, known: Known) -> list[Product]:
        """The looks of the study as far as it is known to go."""
        return [self.product("look", look=n) for n in range(known.looks().length)]


def _said(decision: Product) -> dict[str, Any] | None:
    try:
        return read_json(decision.record)
    except StudyError:
        return None


def search_of(place: Mapping[str, Any]) -> dict[str, Any]:
    """The place of a search."""
    return only(place, "trial", "importance")


def only(place: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Some parts of a place."""
    return {name: place[name] for name in names if name in place}
