"""Whether every file of a study is what was written, and was made from the file before it.

Everything that `survey` compares is compared, and beyond that the content of all weights, and what
follows from the config and the steps: grids, decisions, and how many replicates a race left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ewc_lambda.config.study_config import later_defaults
from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.results.arithmetic import mixed_arithmetic
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import Product
from ewc_lambda.results.run_tables import read_tables
from ewc_lambda.results.runs import Run, read_run, round_measures
from ewc_lambda.search.by_config import decide_round, round_grid, searched_before
from ewc_lambda.store.records import file_digest, read_attributes, read_hdf5, read_json
from ewc_lambda.upkeep.replayed import replayed
from ewc_lambda.upkeep.survey import BROKEN, MISSING, STALE, STANDS, State, Survey


class Integrity:
    """The check of one study: ``findings`` says what is wrong, a line each; ``broken`` are the
    files that are there and cannot be used, ``missing`` those that are not there, and ``files``
    counts all that were looked at, and ``alone`` says that there is a study file and nothing else.
    """

    def __init__(self, results: str | Path, config: Mapping[str, Any]) -> None:
        self.files_of = Files(config, results)
        self.folder = Path(self.files_of.folder)
        self.config = config
        self.findings: list[str] = []
        self.broken: list[Path] = []
        self.missing: list[Path] = []
        self.files = 0
        self.alone = self.files_of.alone
        self._runs: dict[tuple[Any, ...], list[Run]] = {}
        self._kinds: list[tuple[int, str]] = []
        self.other_code = False

    def check(self) -> None:
        """Check all files. A study file without the results that it was gathered from is checked
        by itself.
        """
        if self.alone:
            self._study_alone(self.folder / "study.h5")
            return
        survey = Survey(self.files_of, any_code=True)
        for product in self._products():
            self._product(product, survey.state(product))
            if product.kind == "decision" and all(map(survey.stands, self._steps(product.place))):
                self._replicates(product.place, self._round(product.place, product.place["round"]))
        self.other_code = survey.other_code > 0

    @property
    def mixed(self) -> str | None:
        """Trials whose files were computed by two kinds of processor, in words."""
        return mixed_arithmetic(self._kinds)

    @property
    def verdict(self) -> str:
        """One line when all is well, else one for each finding."""
        if not self.findings and self.alone:
            return (
                f"{self.folder}: study.h5 is as it was written, with this config. The results that "
                f"it was gathered from are absent, so the chain to them was not checked."
            )
        if not self.findings:
            return (
                f"{self.folder}: all is well. {self.files} files are as they were written, each "
                f"made from the one before it: config > data > base model > first task > steps > "
                f"study."
                f"{' Another version of the code made them.' if self.other_code else ''}"
            )
        return "\n".join(self.findings)

    def _products(self) -> Iterator[Product]:
        """All files, in as many rounds as the decisions that can be read tell of."""
        return self.files_of.products()

    def _product(self, product: Product, state: State) -> None:
        record = Path(product.record)
        self.files += sum(Path(path).exists() for path in product.paths)
        if state.name == MISSING:
            for path in map(Path, product.paths):
                if not path.exists():
                    self.missing.append(path)
                    self.findings.append(f"{path}: the file is missing")
        elif state.recipe:
            # The file may be as good as on its first day.
            way = "Check a study with the config and the code that it was run with."
            self.findings.append(f"{record}: {state.why}. {way}")
        elif state.name in (BROKEN, STALE):
            self._broken(record, state.why)
        if record.exists() and state.name not in (BROKEN, STALE):
            self._content(product, follows=state.name == STANDS)

    def _content(self, product: Product, follows: bool) -> None:
        """Check what only reading a file tells; ``follows`` says that what it was made from
        stands.
        """
        record = Path(product.record)
        try:
            if product.weights is not None and Path(product.weights).exists():
                self._weights(product)
            if product.kind in ("first_task", "reference", "step"):
                known = read_attributes(record)["provenance"]
                self._kinds.append((product.place["trial"], known.get("arithmetic", "")))
            if follows and product.kind == "grid":
                self._grid(product)
            elif follows and product.kind == "decision":
                self._decision(product)
            elif follows and product.kind == "study":
                read_tables(record)
        except StudyError as error:
            path = error.path if isinstance(error, BrokenFileError) else record
            self._broken(path, str(error).removeprefix(f"{path}: "))
        except (KeyError, TypeError, ValueError) as error:
            # Sealed and whole, but without what a file of its kind has.
            self._broken(record, f"not what its name says ({error!r})")

    def _broken(self, path: Path, why: str) -> None:
        self.broken.append(path)
        self.findings.append(f"{path}: {why}")

    def _weights(self, product: Product) -> None:
        path = Path(product.weights or "")
        if product.kind == "base_model":
            digest = read_json(product.record)["weights_sha256"]
        else:
            digest = read_attributes(product.record)["origin"]["weights"]
        if file_digest(path) != digest:
            raise BrokenFileError(path, "its SHA-256 is not the recorded one")

    def _grid(self, product: Product) -> None:
        place = product.place
        before = None
        if place["round"] > 0:
            at = {**place, "round": place["round"] - 1}
            before = read_json(self.files_of.product("decision", **at).record)
        first = [each.decided for each in self.files_of.first_trials(place)]
        scout = self.files_of.scout(place["importance"])
        bracket, lambdas = round_grid(self.config, place["trial"], before, first, scout)
        expected = {**place, "bracket": list(bracket), "lambdas": lambdas}
        expected["searched"] = searched_before(before)
        record = read_json(product.record)
        _compare(product.record, record, expected, "the config and the round before it")

    def _decision(self, product: Product) -> None:
        place = product.place
        runs = self._round(place, place["round"])
        lambdas = [run.labels["lambda"] for run in runs]
        measures = round_measures(runs, self.config["select_by"])
        searched = [run.labels["lambda"] for run in self._earlier(place)]
        decision = decide_round(self.config, place, lambdas, measures, searched)
        expected = {
            "lambdas": lambdas,
            "measures": [value if np.isfinite(value) else None for value in measures],
            "replicates": [len(run.measure) for run in runs],
            "optimum_step": decision.optimum,
            "next_bracket": None if decision.bracket is None else list(decision.bracket),
            "stop": decision.stop,
        }
        _compare(product.record, read_json(product.record), expected, "the steps of its round")

    def _replicates(self, place: Mapping[str, Any], runs: Sequence[Run]) -> None:
        """Whether each step of a round has the replicates that the config or the race gives it."""
        replicates = int(self.config["replicates"])
        wanted = [replicates] * len(runs)
        if self.config["racing"]:
            wanted = replayed(runs, self._earlier(place), replicates)
        for product, run, count in zip(self._steps(place), runs, wanted, strict=True):
            if len(run.measure) != count:
                why = f"from the config and the other steps of its round follow {count}"
                self._broken(Path(product.record), f"holds {len(run.measure)} replicates; {why}")

    def _round(self, place: Mapping[str, Any], round_: int) -> list[Run]:
        key = (place["trial"], place["importance"], round_)
        if key not in self._runs:
            at = {**place, "round": round_}
            self._runs[key] = [read_run(step.record) for step in self._steps(at)]
        return self._runs[key]

    def _earlier(self, place: Mapping[str, Any]) -> list[Run]:
        """The runs of all rounds before."""
        return [run for round_ in range(place["round"]) for run in self._round(place, round_)]

    def _steps(self, place: Mapping[str, Any]) -> list[Product]:
        return self.files_of.round(place, place["round"])[1:]

    def _study_alone(self, path: Path) -> None:
        self.files += 1
        try:
            recorded = read_hdf5(path)[1]["config"]
        except StudyError as error:
            self._broken(path, str(error).removeprefix(f"{path}: "))
            return
        for key, value in (later_defaults() | recorded).items():
            if self.config.get(key) != value:
                self.findings.append(
                    f"{path}: made with {key}: {value}, the config says {self.config.get(key)}. "
                    f"Check a study with the config that it was run with."
                )
                return


def _compare(
    path: str, record: Mapping[str, Any], expected: Mapping[str, Any], source: str
) -> None:
    for name, value in expected.items():
        if record.get(name) != value:
            raise BrokenFileError(
                path, f"its {name} is {record.get(name)}; from {source} follows {value}"
            )
