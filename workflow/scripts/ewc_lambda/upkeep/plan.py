"""What a run has to make anew, what it says of that, and how the old copies are set aside."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from ewc_lambda.config.study_config import later_defaults
from ewc_lambda.errors import StudyError
from ewc_lambda.results.decided import Decided
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import Product
from ewc_lambda.store.lock import hold
from ewc_lambda.store.places import check_place
from ewc_lambda.store.records import peek
from ewc_lambda.store.replacing import move_aside
from ewc_lambda.upkeep.survey import BROKEN, MISSING, STALE, STANDS, State, Survey

# What makes a study the answer to its question; all else follows from these in moments.
_QUESTION = ("base_model", "step", "reference")
_ASIDE = "set_aside"


class Plan:
    """What of a study stands when a run is planned and while it goes on. ``logger`` says what does
    not, and why.
    """

    def __init__(self, files: Files, logger: logging.Logger) -> None:
        self.files = files
        check_place(Path(files.folder))
        self._logger = logger
        self._survey = Survey(files)
        self._begun = False
        self._folder: Path | None = None
        self._lock: IO[str] | None = None
        self._found = {p: self._survey.state(p) for p in self._survey.products()}
        self.anew = {p: s for p, s in self._found.items() if s.name in (STALE, BROKEN)}
        lost = {p: self._survey.state(p) for p in self._survey.lost.values()}
        gone = {p: state for p, state in lost.items() if state.name == MISSING}
        for line in (*told(self.anew), *told(gone)):
            logger.warning(line)
        if self.anew and (asked := self._asked()):
            logger.warning(asked)

    def rounds(self, place: Mapping[str, Any]) -> Decided:
        """What is decided of a search, by decisions that stand."""
        return self._survey.rounds(place)

    def scout(self, importance: str) -> dict[str, Any] | None:
        """What the scout of an importance measure found, if it stands."""
        return self._survey.scout(importance)

    def looks(self, most: int | None = None) -> Decided:
        """What is decided of the study, by looks that stand."""
        return self._survey.looks(most)

    def products(self) -> Iterator[Product]:
        """All files that today's study makes, as far as its searches are known to go."""
        return self._survey.products()

    def stand(self, products: Iterable[Product]) -> bool:
        """Whether all of some files can be used as they are. Once a run has begun, what cannot is
        set aside as soon as it is met.
        """
        standing = [self._stands(product) for product in products]
        return all(standing)

    def replaced(self, products: Iterable[Product]) -> list[str]:
        """Paths of files that are there and must be made anew."""
        return [
            path
            for product in products
            if self._survey.state(product).name in (STALE, BROKEN)
            for path in product.paths
        ]

    def lost(self) -> list[str]:
        """Files that are missing, although what was made from them stands."""
        return sorted(path for p in self._survey.lost.values() for path in p.paths)

    def begin(self) -> None:
        """Take the study's lock, and set aside what does not stand.

        Raises:
            StudyError: another run has the lock; a finished study of another question would be
                replaced; a file cannot be moved.

        """
        self._lock, said = hold(Path(self.files.folder))
        if said:
            self._logger.warning(said)
        if asked := self._asked():
            raise StudyError(asked)
        self._begun = True
        self.stand(list(self._survey.products()))

    def end(self) -> None:
        """Give the lock back, which the end of the process does otherwise."""
        if self._lock is not None:
            self._lock.close()

    def _stands(self, product: Product) -> bool:
        state = self._survey.state(product)
        if self._begun and state.name in (STALE, BROKEN):
            self._set_aside(product, state)
        return self._survey.stands(product)

    def _set_aside(self, product: Product, state: State) -> None:
        try:
            if state.name == BROKEN:
                aside = move_aside(Path(product.record))
                self._logger.warning(f"{product.record}: {state.why}. It was moved to {aside}.")
                return
            below = self._below()
            for path in map(Path, product.paths):
                if path.exists():
                    target = below / path.relative_to(self.files.folder)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    path.replace(target)
        except OSError as error:
            raise StudyError(
                f"{product.record}: cannot be set aside ({error.strerror}); nothing was made anew. "
                f"Let it be moved, or give the study another name: --config study=NAME"
            ) from None

    def _below(self) -> Path:
        """The folder for what this run sets aside: a number of its own."""
        if self._folder is None:
            all_ = Path(self.files.folder, _ASIDE)
            taken = [int(p.name) for p in all_.glob("*") if p.name.isdigit()]
            self._folder = all_ / str(max(taken, default=0) + 1)
            self._logger.warning(
                f"What is stale was moved to {self._folder}. When it is of no more use: "
                f"rm -r {all_}"
            )
        return self._folder

    def _asked(self) -> str:
        """The question to be asked before a finished study is replaced; "" if there is none."""
        other = [p for kind in _QUESTION for p in self._mostly_stale(kind)]
        finished = Path(self.files.record("study"))
        if not other or self.files.config["replace"] or not finished.exists():
            return ""
        return (
            f"{self.files.folder} holds a finished study, and {len(other)} of its trained files "
            f"would be made anew ({self._why(other)}). Set it aside with --config replace=true, "
            f"or give the new study another name: --config study=NAME"
        )

    def _why(self, products: Sequence[Product]) -> str:
        """What differs, with both values where it is a key."""
        reasons = list(dict.fromkeys(self._found[product].why for product in products))
        return "; ".join(reasons[:2]) + ("; ..." if len(reasons) > 2 else "")

    def _mostly_stale(self, kind: str) -> list[Product]:
        """The stale files of a kind, if half of those that are there are. One among many that stand
        is no other question; it is a file that was put there.
        """
        named = [(p, state.name) for p, state in self._found.items() if p.kind == kind]
        stale = [product for product, name in named if name == STALE]
        stand = sum(name == STANDS for _, name in named)
        return stale if len(stale) >= max(stand, 1) else []


def told_alone(files: Files) -> str:
    """What a study file without the results that it was gathered from is to a run."""
    study = files.record("study")
    said = (
        f"Figures and tables are drawn from {study} alone. Nothing is trained while the results "
        f"that it was gathered from are absent; give the study another name (the key study) to "
        f"train it."
    )
    made, today = (
        later_defaults() | known
        for known in (peek(study, "config") or {}, files.config_of("study"))
    )
    other = [f"{key}: {made[key]}" for key in made if key in today and made[key] != today[key]]
    return f"{said} It is that of another config: {', '.join(other)}." if other else said


def told(anew: Mapping[Product, State]) -> Iterator[str]:
    """Lines that say what is made anew and why, files of one reason together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for product, state in anew.items():
        groups.setdefault((product.kind, state.why), []).append(product.record)
    for (_, why), paths in groups.items():
        yield f"{_listed(paths)}: {why}. Made anew."


def _listed(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} like it"
