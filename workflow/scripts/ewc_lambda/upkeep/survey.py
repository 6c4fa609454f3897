"""What of a study stands, and why the rest does not: the one pass before anything is planned.

A file stands if it is whole (its seal), of today's recipe (config and code), in its own place (its
labels) and made from the very files that stand beside it (their digests). Neither times nor
Snakemake's records have a say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ewc_lambda.data.sources import changed_files
from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.results.decided import Decided, chosen, decided, targets
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import KINDS, Product
from ewc_lambda.results.sources import Sources
from ewc_lambda.search.by_config import round_grid
from ewc_lambda.search.scout import is_auto
from ewc_lambda.store.front import SHORT, Front
from ewc_lambda.store.provenance import recipe_of
from ewc_lambda.store.records import peek, read_attributes, read_json
from ewc_lambda.store.stamps import digest_of, gathered_from, read_stamp
from ewc_lambda.upkeep.reasons import Reasons, attributes_of

STANDS, MISSING, STALE, BROKEN, WAITS = "stands", "missing", "stale", "broken", "waits"


@dataclass(frozen=True)
class State:
    """Whether a file ``stands``, or is ``missing``, ``stale`` (whole, but not what today's study
    makes), ``broken``, or ``waits`` for what it is gathered from; and why, in words. ``recipe``
    tells that its config or code is another one.
    """

    name: str
    why: str = ""
    recipe: bool = False


class Survey:
    """The states of a study's files. What stands is looked at once; the rest whenever it is asked
    for, as a run may have made it by then. With ``any_code``, files of today's config stand
    whatever code made them; ``other_code`` counts those that other code made.
    """

    def __init__(self, files: Files, any_code: bool = False) -> None:
        self.files = files
        self._any_code = any_code
        self._reasons = Reasons(files)
        self._recipes = {kind: files.recipe(kind) for kind in KINDS}
        self._stood: dict[str, Front] = {}
        self._seen: dict[str, tuple[tuple[int, int], Front | BrokenFileError]] = {}
        # Digests by which files are named in what was made from them: those of files that stand,
        # and of files that are gone, as far as one that was made from them tells.
        self._digests: dict[tuple[str, str], str] = {}
        self._said: dict[str, dict[str, Any]] = {}
        self.lost: dict[str, Product] = {}
        self.other_code = 0
        self._other_files = ""

    def stands(self, product: Product) -> bool:
        """Whether a file can be used as it is."""
        return product.record in self._stood or self.state(product).name == STANDS

    def stand(self, products: Iterable[Product]) -> bool:
        """Whether all of some files can be used as they are."""
        return all(self.stands(product) for product in products)

    def state(self, product: Product) -> State:
        """The state of a file. What it was made from and does not stand, although it may itself,
        is noted in ``lost``.

        Raises:
            StudyError: the file cannot be read.

        """
        if product.record in self._stood:
            return State(STANDS)
        front = self._front(product.record)
        if front is None:
            return State(MISSING, "it is missing")
        if isinstance(front, BrokenFileError):
            return State(BROKEN, str(front).partition(": ")[2])
        if front.recipe != self._recipes[product.kind] and not self._by_other_code(product, front):
            return State(STALE, self._reasons.recipe(product, front.recipe), recipe=True)
        return self._compared(product, front)

    def rounds(self, place: Mapping[str, Any]) -> Decided:
        """What is decided of a search, by decisions that stand."""
        return decided(lambda round_: self._decision(place, round_))

    def scout(self, importance: str) -> dict[str, Any] | None:
        """What the scout of an importance measure found, if it stands."""
        return self._said_by(self.files.scout_file(importance))

    def looks(self, most: int | None = None) -> Decided:
        """What is decided of the study, by looks that stand."""
        if not targets(self.files.config):
            return Decided([], ended=True)
        return decided(lambda n: self._said_by(self.files.product("look", look=n)), most)

    def products(self) -> Iterator[Product]:
        """All files that today's study makes, as far as its searches are known to go, each after
        what it is made from.
        """
        yield from self.files.products(self)

    def sources(self, product: Product) -> dict[str, list[Product]]:
        """What a file is made from, by the names of its job's inputs."""
        found = Sources(self.files, self).of(product)
        return {name: s if isinstance(s, list) else [s] for name, s in found.items()}

    def _front(self, record: str) -> Front | BrokenFileError | None:
        """What a file says in front; None if there is none. It is read once: a new one is another
        file, by its number.
        """
        try:
            found = Path(record).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StudyError(f"{record}: cannot be looked at ({error.strerror})") from None
        seen = found.st_ino, found.st_mtime_ns
        if self._seen.get(record, (None,))[0] != seen:
            try:
                self._seen[record] = seen, read_stamp(record)
            except BrokenFileError as error:
                self._seen[record] = seen, error
        return self._seen[record][1]

    def _by_other_code(self, product: Product, front: Front) -> bool:
        """Whether a file is of today's config and of code that is let pass."""
        if not self._any_code:
            return False
        made = {**attributes_of(product).get("provenance", {"code_sha256": ""})}
        made["config"] = self.files.config_of(product.kind)
        same = recipe_of(made) == front.recipe
        self.other_code += same
        return same

    def _compared(self, product: Product, front: Front) -> State:
        """The state of a whole file of today's recipe."""
        labels = self._labels(product)
        if labels is None:
            return State(WAITS, "the round before is not decided")
        if product.kind != "data" and front.origin.get("labels") != digest_of(labels)[:SHORT]:
            return State(STALE, self._reasons.labels(product, labels))
        if product.kind == "data":
            return self._data(product, front)
        sources = self.sources(product)
        # All of them are looked at: what is compared below are their digests.
        gone = [s for found in sources.values() for s in found if not self.stands(s)]
        seals = self._seals(product, sources)
        if seals is None:
            self.lost.update((source.record, source) for source in gone)
            return State(WAITS, "what it is gathered from is made anew")
        if seals and front.origin.get("gathered") != gathered_from(seals)[:SHORT]:
            return State(STALE, "it was gathered from other files than those beside it")
        if self._other_files and KINDS[product.kind].gathered is None:
            return State(STALE, f"trained on other data: {self._other_files}")
        for name, key in self._origins(product, sources):
            known = self._digests.get(key)
            if known is not None and front.origin.get(name) != known:
                return State(STALE, self._reasons.origin(name))
        if product.weights is not None and not complete(Path(product.weights)):
            return State(MISSING, f"{product.weights} is missing or cut short")
        self._note(product, front, sources)
        self.lost.update((source.record, source) for source in gone)
        return State(STANDS)

    def _data(self, product: Product, front: Front) -> State:
        """The state of whole data of today's recipe, beside the user's files that they are of."""
        read = peek(product.record, "sources") or {}
        changed = changed_files(self.files.config, read)
        if changed:
            self._other_files = f"{', '.join(changed)} changed since it was read"
            return State(STALE, self._other_files)
        self._other_files = ""
        self._note(product, front, {})
        return State(STANDS)

    def _note(self, product: Product, front: Front, sources: Mapping[str, list[Product]]) -> None:
        self._stood[product.record] = front
        self.lost.pop(product.record, None)
        for name, key in self._origins(product, sources):
            self._digests.setdefault(key, front.origin.get(name, ""))
        if product.kind == "data":
            self._digests[product.record, "data"] = front.origin.get("samples", "")
        elif product.kind == "base_model":
            digest = read_json(product.record)["weights_sha256"]
            self._digests[product.record, "base_model"] = digest[:SHORT]
        elif product.kind == "first_task":
            own = read_attributes(product.record)["origin"]
            self._digests[product.record, "first_task"] = own["state"][:SHORT]
            for importance in self.files.config["importance"]:
                digest = own[f"omega/{importance}"]
                self._digests[product.record, f"omega/{importance}"] = digest[:SHORT]
        elif product.kind == "step":
            self._digests[product.record, "weights"] = front.origin.get("weights", "")

    def _seals(self, product: Product, sources: Mapping[str, list[Product]]) -> list[str] | None:
        """The seals of what a file is gathered from; None where not all of it stands."""
        found = [s for name in KINDS[product.kind].gathered or () for s in sources.get(name, [])]
        stood = [self._stood.get(source.record) for source in found]
        return None if None in stood else [front.seal for front in stood if front is not None]

    def _origins(
        self, product: Product, sources: Mapping[str, list[Product]]
    ) -> Iterator[tuple[str, tuple[str, str]]]:
        """Names by which a file's front calls what it was made from, and where its digest is."""
        if KINDS[product.kind].gathered is not None:
            return
        for name in ("data", "base_model", "first_task"):
            for source in sources.get(name, []):
                yield name, (source.record, name)
        if product.kind in ("step", "scout") and "first_task" in sources:
            record = sources["first_task"][0].record
            yield "omega", (record, f"omega/{product.place['importance']}")
        for source in sources.get("chosen", []):
            yield "weights", (source.record, "weights")

    def _labels(self, product: Product) -> dict[str, Any] | None:
        """The labels that a file must have; None where they are not known yet."""
        place = dict(product.place)
        if product.kind == "study":
            return {"study": self.files.config["study"]}
        if product.kind == "first_task":
            return {**place, "reference": "first_task"}
        if product.kind == "reference":
            return {**place, "lambda": 0.0}
        if product.kind == "step":
            return self._of_step(place)
        if product.kind == "test":
            rounds = self.rounds(place)
            if not rounds.ended:
                return None
            best = chosen(rounds.decided)
            return place if best is None else self._of_step({**place, **best})
        return place

    def _of_step(self, place: Mapping[str, Any]) -> dict[str, Any] | None:
        round_ = place["round"]
        before = self._decision(place, round_ - 1) if round_ > 0 else None
        if round_ > 0 and (before is None or before["stop"] is not None):
            return None
        first = self.files.first_trials(place, self)
        if round_ == 0 and not all(each.ended for each in first):
            return None
        scout = self.scout(place["importance"]) if is_auto(self.files.config) else None
        if round_ == 0 and is_auto(self.files.config) and scout is None:
            return None
        known = [each.decided for each in first]
        lambdas = round_grid(self.files.config, place["trial"], before, known, scout)[1]
        return {**place, "lambda": lambdas[place["step"]]}

    def _decision(self, place: Mapping[str, Any], round_: int) -> dict[str, Any] | None:
        """What the decision of a round says, if it stands."""
        at = {name: place[name] for name in ("trial", "importance")}
        return self._said_by(self.files.product("decision", **at, round=round_))

    def _said_by(self, product: Product) -> dict[str, Any] | None:
        if not self.stands(product):
            return None
        if product.record not in self._said:
            self._said[product.record] = read_json(product.record)
        return self._said[product.record]


def complete(weights: Path) -> bool:
    """Whether a safetensors file is there and as long as its header says."""
    try:
        with weights.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
            size = file.seek(0, 2)
            if not 0 < header <= size - 8:
                return False
            file.seek(8)
            ends = _ends(file.read(header))
    except (OSError, ValueError):
        return False
    return size == 8 + header + max(ends, default=0)


def _ends(header: bytes) -> list[int]:
    entries = json.loads(header)
    return [entry["data_offsets"][1] for n, entry in entries.items() if n != "__metadata__"]
