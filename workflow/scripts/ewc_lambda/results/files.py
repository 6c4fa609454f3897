"""Every file of a study, and what it is made from.

From here and from the table in `results.kinds` the rules take paths, inputs and parameters, a run
what it has to make (`upkeep.survey`), and ``verify`` what to check (`upkeep.integrity`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ewc_lambda.config.own_trainer import offers_joint, trained_by_user
from ewc_lambda.config.study_config import part
from ewc_lambda.errors import StudyError
from ewc_lambda.results.kinds import KINDS, REFERENCES, Product
from ewc_lambda.store.code import code_digest, source_digest
from ewc_lambda.store.provenance import own_files, recipe_of
from ewc_lambda.store.records import read_json

# Where files lie and how work is cut into jobs is no part of a result, but for the last bit of
# members that are stacked with more or fewer others.
_NO_RESULT = ("place", "jobs")

# Names of a job's inputs, of record and of weights, where these are inputs too.
_INPUTS = {
    "base_model": ("base_record", "base_model"),
    "first_task": ("first_task", "first_weights"),
    "earlier_steps": ("earlier_steps", "earlier_weights"),
    "chosen": ("chosen", "chosen_weights"),
}

Sources = dict[str, Product | list[Product]]


class Rounds(NamedTuple):
    """What is decided of a search: the decisions so far, and whether the last one ended it."""

    decided: list[dict[str, Any]]
    ended: bool


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
            return {key: value for key, value in config.items() if key not in without}
        keys = KINDS[kind].keys
        if kind == "step" and config["racing"]:
            # How many steps race decides how long an end of the grid stays.
            keys = (*keys, "steps")
        parts = KINDS[kind].parts
        if kind == "base_model" and self._own:
            # It is made once the trainer was tried.
            parts = KINDS["reference"].parts
        return part(config, *parts) | {key: config[key] for key in keys}

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

    def sources(
        self, made: Product, rounds: Callable[[Mapping[str, Any]], Rounds] | None = None
    ) -> Sources:
        """What a file is made from, by the names of its job's inputs. ``rounds`` tells what is
        decided of a search; by default, whatever its decisions say.
        """
        place, rounds = made.place, rounds or self.rounds
        if made.kind in ("search", "test"):
            known = rounds(place)
            return self._of_search(made, known)
        return {
            "data": dict,
            "base_model": lambda: self._start(place, "data"),
            "first_task": lambda: self._start(place, "data", "base_model"),
            "reference": lambda: self._start(place),
            "grid": lambda: self._before(place),
            "step": lambda: self._of_step(place),
            "decision": lambda: self._of_decision(place),
            "study": self._of_study,
        }[made.kind]()

    def inputs(self, sources: Sources) -> Iterator[tuple[str, list[Product], str | list[str]]]:
        """Inputs of a job by name: what they belong to, and the paths."""
        for name, source in sources.items():
            products = [source] if isinstance(source, Product) else source
            records, weights = _INPUTS.get(name, (name, ""))
            paths = [product.record for product in products]
            yield records, products, paths if isinstance(source, list) else paths[0]
            beside = [product.weights for product in products if product.weights is not None]
            if weights and beside:
                yield weights, products, beside if isinstance(source, list) else beside[0]

    def rounds(self, place: Mapping[str, Any]) -> Rounds:
        """What the decisions of a search say, up to the first that is missing or broken."""
        decided: list[dict[str, Any]] = []
        while True:
            found = self.product("decision", **_search(place), round=len(decided))
            try:
                decided.append(read_json(found.record))
            except StudyError:
                return Rounds(decided, ended=False)
            if decided[-1]["stop"] is not None:
                return Rounds(decided, ended=True)

    def fixed(self) -> Iterator[Product]:
        """What a study makes whatever its searches decide, in the order in which it is made."""
        yield self.product("data")
        for trial in range(self.config["trials"]):
            yield self.product("base_model", trial=trial)
            if self.shared:
                yield self.product("first_task", trial=trial)
            for reference in REFERENCES if offers_joint(self.config) else REFERENCES[:1]:
                yield self.product("reference", trial=trial, reference=reference)

    def searches(self) -> Iterator[dict[str, Any]]:
        """The places of a study's searches."""
        for trial in range(self.config["trials"]):
            for importance in self.config["importance"]:
                yield {"trial": trial, "importance": importance}

    def round(self, place: Mapping[str, Any], round_: int) -> list[Product]:
        """Grid and steps of a round of a search."""
        at = {**_search(place), "round": round_}
        return [self.product("grid", **at), *self._steps(at)]

    def ends(self, place: Mapping[str, Any]) -> list[Product]:
        """What is made of a search once it has ended."""
        # What is evaluated on the test split are the weights of the chosen step.
        kinds = ("search", "test") if self._keeps_weights else ("search",)
        return [self.product(kind, **_search(place)) for kind in kinds]

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

    def _steps(self, place: Mapping[str, Any]) -> list[Product]:
        at = {**_search(place), "round": place["round"]}
        return [self.product("step", **at, step=step) for step in range(self.config["steps"])]

    def _start(self, place: Mapping[str, Any], *kinds: str) -> Sources:
        """What every run of a trial starts from."""
        kinds = kinds or ("data", "base_model", *(["first_task"] if self.shared else []))
        return {kind: self.product(kind, **_only(place, "trial")) for kind in kinds}

    def _before(self, place: Mapping[str, Any]) -> Sources:
        """The decision that a later round's grid follows from; the first follows from the
        config.
        """
        if place["round"] == 0:
            return {}
        before = {**_search(place), "round": place["round"] - 1}
        return {"decision": self.product("decision", **before)}

    def _of_step(self, place: Mapping[str, Any]) -> Sources:
        at = {**_search(place), "round": place["round"]}
        sources = {**self._start(place), "grid": self.product("grid", **at)}
        if self.shared and place["round"] > 0:
            # Some of their lambdas may be met again: outwards, those of any round.
            first = 0 if self.config["expand_at_edge"] else place["round"] - 1
            before = [{**at, "round": round_} for round_ in range(first, place["round"])]
            sources["earlier_grids"] = [self.product("grid", **each) for each in before]
            sources["earlier_steps"] = [step for each in before for step in self._steps(each)]
        return sources

    def _of_decision(self, place: Mapping[str, Any]) -> Sources:
        at = {**_search(place), "round": place["round"]}
        grid = self.product("grid", **at)
        return {**self._start(place), "grid": grid, "steps": self._steps(at)}

    def _of_search(self, made: Product, known: Rounds) -> Sources:
        """A search's decisions as far as it is known to go, and once it has ended its steps, or for
        the test evaluation the one that it chose.
        """
        at = _search(made.place)
        count = len(known.decided) + (not known.ended)
        decisions = [self.product("decision", **at, round=round_) for round_ in range(count)]
        sources: Sources = {"decisions": list(decisions)}
        if made.kind == "test":
            sources |= self._start(at, "data", "base_model")
            best = chosen(known.decided) if known.ended else None
            if best is not None:
                sources["chosen"] = self.product("step", **at, **best)
        elif known.ended:
            steps = [s for round_ in range(count) for s in self._steps({**at, "round": round_})]
            sources |= {**self._start(at), "steps": steps}
        return sources

    def _of_study(self) -> Sources:
        fixed = list(self.fixed())
        ends = [product for place in self.searches() for product in self.ends(place)]
        return {
            "data": fixed[0],
            "searches": [p for p in ends if p.kind == "search"],
            "first_tasks": [p for p in fixed if p.kind == "first_task"],
            "references": [p for p in fixed if p.kind == "reference"],
            "tests": [p for p in ends if p.kind == "test"],
        }


def chosen(decided: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """Round and step of the lambda that a search chose: the best of all its rounds. None where all
    diverged.
    """
    best = [(d["measures"][d["optimum_step"]], d) for d in decided if d["optimum"] is not None]
    if not best:
        return None
    decision = min(best, key=lambda pair: pair[0])[1]
    return {"round": decision["round"], "step": decision["optimum_step"]}


def _search(place: Mapping[str, Any]) -> dict[str, Any]:
    return _only(place, "trial", "importance")


def _only(place: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: place[name] for name in names if name in place}
