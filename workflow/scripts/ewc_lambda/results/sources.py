"""What each file of a study is made from, as far as that is decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ewc_lambda.results.decided import Decided, Known, chosen, targets, trials_at
from ewc_lambda.results.files import Files, only, search_of
from ewc_lambda.results.kinds import REFERENCES, Product
from ewc_lambda.search.scout import is_auto

# Names of a job's inputs, of record and of weights, where these are inputs too.
_INPUTS = {
    "base_model": ("base_record", "base_model"),
    "first_task": ("first_task", "first_weights"),
    "earlier_steps": ("earlier_steps", "earlier_weights"),
    "chosen": ("chosen", "chosen_weights"),
}

Named = dict[str, Product | list[Product]]


class Sources:
    """What the files of a study are made from. ``known`` tells what is decided; by default,
    whatever the decisions say.
    """

    def __init__(self, files: Files, known: Known | None = None) -> None:
        self._files, self._known = files, known or files

    def of(self, made: Product) -> Named:
        """What a file is made from, by the names of its job's inputs."""
        place = made.place
        if made.kind in ("search", "test"):
            return self._of_search(made, self._known.rounds(place))
        return {
            "data": dict,
            "base_model": lambda: self._start(place, "data"),
            "first_task": lambda: self._start(place, "data", "base_model"),
            "reference": lambda: self._start(place),
            "scout": lambda: self._start(place),
            "grid": lambda: self._before(place),
            "step": lambda: self._of_step(place),
            "decision": lambda: self._of_decision(place),
            "look": lambda: self._of_look(place),
            "study": lambda: self._of_study(),
        }[made.kind]()

    def _start(self, place: Mapping[str, Any], *kinds: str) -> Named:
        """What every run of a trial starts from."""
        kinds = kinds or ("data", "base_model", *(["first_task"] if self._files.shared else []))
        return {kind: self._files.product(kind, **only(place, "trial")) for kind in kinds}

    def _before(self, place: Mapping[str, Any]) -> Named:
        """The decision that a later round's grid follows from; the first follows from the config
        or the scout, that of a later trial from the decisions of the first trials.
        """
        if place["round"] > 0:
            before = {**search_of(place), "round": place["round"] - 1}
            return {"decision": self._files.product("decision", **before)}
        first = enumerate(self._files.first_trials(place, self._known))
        at = {"importance": place["importance"]}
        found = [p for t, each in first for p in self._files.decisions({**at, "trial": t}, each)]
        sources: Named = {"first_decisions": found} if found else {}
        if is_auto(self._files.config):
            sources["scout"] = self._files.scout_file(place["importance"])
        return sources

    def _of_step(self, place: Mapping[str, Any]) -> Named:
        at = {**search_of(place), "round": place["round"]}
        sources = {**self._start(place), "grid": self._files.product("grid", **at)}
        if self._files.shared and place["round"] > 0:
            # Some of their lambdas may be met again: outwards, those of any round.
            first = 0 if self._files.config["expand_at_edge"] else place["round"] - 1
            before = [{**at, "round": round_} for round_ in range(first, place["round"])]
            sources["earlier_grids"] = [self._files.product("grid", **each) for each in before]
            sources["earlier_steps"] = [s for each in before for s in self._files.steps(each)]
        return sources

    def _of_decision(self, place: Mapping[str, Any]) -> Named:
        at = {**search_of(place), "round": place["round"]}
        grid = self._files.product("grid", **at)
        return {**self._start(place), "grid": grid, "steps": self._files.steps(at)}

    def _of_search(self, made: Product, known: Decided) -> Named:
        """A search's decisions as far as it is known to go, and once it has ended its steps, or for
        the test evaluation the one that it chose.
        """
        at = search_of(made.place)
        decisions = self._files.decisions(at, known)
        sources: Named = {"decisions": list(decisions)}
        if made.kind == "test":
            sources |= self._start(at, "data", "base_model")
            best = chosen(known.decided) if known.ended else None
            if best is not None:
                sources["chosen"] = self._files.product("step", **at, **best)
        elif known.ended:
            steps = [step for each in decisions for step in self._files.steps(each.place)]
            sources |= {**self._start(at), "steps": steps}
        return sources

    def _of_look(self, place: Mapping[str, Any]) -> Named:
        """The searches of all trials that there are to be at a look, their lines of lambda = 0
        where it looks at the gain, and the look before.
        """
        config = self._files.config
        trials = range(trials_at(config, self._known.looks(place["look"]).decided))
        searches = [
            self._files.product("search", trial=trial, importance=importance)
            for trial in trials
            for importance in config["importance"]
        ]
        earlier = self._files.product("look", look=place["look"] - 1)
        sources: Named = {"before": earlier} if place["look"] else {}
        sources["searches"] = list(searches)
        if "target_gain" in targets(config):
            zero = {"reference": REFERENCES[0]}
            sources["references"] = [
                self._files.product("reference", trial=trial, **zero) for trial in trials
            ]
        return sources

    def _of_study(self) -> Named:
        """What the trials made, as far as it is known how many there are, and the looks."""
        fixed = list(self._files.fixed(self._known))
        ends = [
            product
            for place in self._files.searches(self._known)
            for product in self._files.ends(place)
        ]
        looks = self._files.look_files(self._known)
        sources: Named = {
            "data": fixed[0],
            "searches": [p for p in ends if p.kind == "search"],
            "first_tasks": [p for p in fixed if p.kind == "first_task"],
            "references": [p for p in fixed if p.kind == "reference"],
            "tests": [p for p in ends if p.kind == "test"],
        }
        return sources | ({"looks": list(looks)} if looks else {})


def inputs(sources: Named) -> Iterator[tuple[str, list[Product], str | list[str]]]:
    """Inputs of a job by name: what they belong to, and the paths."""
    for name, source in sources.items():
        products = [source] if isinstance(source, Product) else source
        records, weights = _INPUTS.get(name, (name, ""))
        paths = [product.record for product in products]
        yield records, products, paths if isinstance(source, list) else paths[0]
        beside = [product.weights for product in products if product.weights is not None]
        if weights and beside:
            yield weights, products, beside if isinstance(source, list) else beside[0]
