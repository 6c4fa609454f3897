"""Whether every file of a study is what was written, and was made from the file before it.

Everything is compared with digests that were recorded when the files were made, and with what
follows from the config: config > data > base model > first task > steps > study.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ewc_lambda.errors import StudyError
from ewc_lambda.results.arithmetic import mixed_arithmetic
from ewc_lambda.results.runs import Run, first_task_origin, read_run, round_measures
from ewc_lambda.results.study_file import read_tables
from ewc_lambda.search.rounds import decide, draw_bracket, grid
from ewc_lambda.seeding import trial_generator
from ewc_lambda.store.records import BrokenFileError, file_digest, read_hdf5, read_json
from ewc_lambda.upkeep.replayed import replayed

Result = TypeVar("Result")
Origin = dict[str, str]


class OtherConfigError(StudyError):
    """A file that was made with another config than the one it is checked by."""


class Integrity:
    """The check of one study: ``findings`` says what is wrong, a line each; ``broken`` are the
    files that are there and cannot be used, ``missing`` those that are not there, ``files`` counts
    all that were looked at, and ``alone`` says that there is a study file and nothing else.
    """

    def __init__(self, results: str | Path, config: Mapping[str, Any]) -> None:
        self.folder = Path(results) / str(config["study"])
        self.config = config
        self.findings: list[str] = []
        self.broken: list[Path] = []
        self.missing: list[Path] = []
        self.files = 0
        self.alone = False
        self._kinds: list[tuple[int, str]] = []
        self._seals: dict[str, list[str]] = {name: [] for name in _GATHERED}

    def check(self) -> None:
        """Check all files. A study file without the results that it was gathered from is checked
        by itself.
        """
        study = self.folder / "study.h5"
        self.alone = study.exists() and not any(self.folder.glob("trial_*"))
        if self.alone:
            self._try(study, lambda: self._study(study, gathered=False))
            return
        data = self._read(self.folder / "data.h5", self._sealed)
        for trial in range(self.config["trials"]):
            self._trial(trial, data)
        self._read(study, self._study)

    @property
    def mixed(self) -> str | None:
        """What is no fault of a file: runs of one trial that were not computed alike."""
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
            )
        return "\n".join(self.findings)

    def _trial(self, trial: int, data: str | None) -> None:
        folder = self.folder / f"trial_{trial}"
        origin: Origin = {} if data is None else {"data": data}
        record = self._read(folder / "base_model.json", lambda path: self._base(path, trial))
        if record is not None:
            origin["base_model"] = record["weights_sha256"]
            self._weights(folder / "base_model.safetensors", record["weights_sha256"])
        labels = {"trial": trial}
        first = None
        if self.config["randomness"] == "common":
            named = {**labels, "reference": "first_task"}
            first = self._run("first_tasks", folder / "first_task.h5", named, origin)
            if first is not None:
                origin = {**origin, **first_task_origin(first, None)}
        for name in ("finetuning", "joint"):
            path = folder / "reference" / f"{name}.h5"
            self._run("references", path, {**labels, "reference": name}, origin)
        for measure in self.config["importance"]:
            known = origin
            if first is not None:
                known = {**origin, **first_task_origin(first, measure)}
            self._search(folder / measure, {**labels, "importance": measure}, known)

    def _search(self, folder: Path, labels: Mapping[str, Any], origin: Origin) -> None:
        decision: dict[str, Any] | None = None
        seals: list[str] = []
        best: tuple[float, Run] | None = None
        earlier: Sequence[Run] = ()
        for round_ in range(self.config["max_rounds"]):
            place, before = folder / f"round_{round_}", decision
            read_grid = partial(self._grid, labels=labels, before=before)
            lambdas = self._read(place / "grid.json", read_grid)
            if lambdas is None:
                return
            runs = []
            for step, value in enumerate(lambdas):
                named = {**labels, "round": round_, "step": step, "lambda": value}
                run = self._run("steps", place / f"step_{step}.h5", named, origin)
                if run is not None:
                    runs.append(run)
            seals += [run.sha256 for run in runs]
            whole = len(runs) == len(lambdas)
            if whole:
                self._replicates(place, runs, earlier)
            read_decision = partial(self._decision, runs=runs if whole else ())
            decision = self._read(place / "decision.json", read_decision)
            if whole and decision is not None and decision["optimum_step"] is not None:
                step = decision["optimum_step"]
                if best is None or decision["measures"][step] < best[0]:
                    best = (decision["measures"][step], runs[step])
            if decision is None or decision["stop"] is not None:
                break
            earlier = runs
        self._read(folder / "search.h5", lambda path: self._gathered(path, {"steps": seals}))
        if self.config["save_weights"] and best is not None:
            self._run("tests", folder / "test.h5", labels, {**origin, **best[1].origin}, own=False)

    def _run(
        self,
        table: str,
        path: Path,
        labels: Mapping[str, Any],
        origin: Origin,
        own: bool = True,
    ) -> Run | None:
        """A run's record and, where they are its ``own``, its weights."""

        def read(path: Path) -> Run:
            self._sealed(path)
            return read_run(path, **labels, **origin)

        run = self._read(path, read)
        if run is not None:
            self._seals[table].append(run.sha256)
            self._kinds += [(run.labels["trial"], run.arithmetic)] if own else []
            if own and "weights" in run.origin:
                self._weights(path.with_suffix(".safetensors"), run.origin["weights"])
        return run

    def _weights(self, path: Path, digest: str) -> None:
        def compare(path: Path) -> None:
            if file_digest(path) != digest:
                raise BrokenFileError(path, "its SHA-256 is not the recorded one")

        self._read(path, compare)

    def _sealed(self, path: Path) -> str:
        attributes = read_hdf5(path)[1]
        self._configured(path, attributes["provenance"]["config"])
        return str(attributes["sha256"])

    def _base(self, path: Path, trial: int) -> dict[str, Any]:
        record = read_json(path)
        if record["trial"] != trial:
            raise BrokenFileError(path, f"its trial is {record['trial']}, not {trial}")
        self._configured(path, record["provenance"]["config"])
        return record

    def _configured(self, path: Path, recorded: Mapping[str, Any]) -> None:
        for key, value in recorded.items():
            if self.config.get(key) != value:
                now = self.config.get(key)
                raise OtherConfigError(
                    f"{path}: made with {key}: {value}, the config says {now}. Check a study with "
                    f"the config that it was run with."
                )

    def _grid(
        self, path: Path, labels: Mapping[str, Any], before: Mapping[str, Any] | None
    ) -> Sequence[float]:
        record, config = read_json(path), self.config
        known: Sequence[float] = []
        if before is None:
            generator = trial_generator(config["seed"], labels["trial"], "bounds")
            bracket = draw_bracket(
                config["low_range"], config["high_range"], config["spacing"], generator
            )
        else:
            bracket, known = tuple(before["next_bracket"]), before["lambdas"]
        expected = {
            **labels,
            "round": 0 if before is None else before["round"] + 1,
            "bracket": list(bracket),
            "lambdas": grid(bracket, config["steps"], config["spacing"], known),
        }
        _compare(path, record, expected, "the config and the round before it")
        return list(record["lambdas"])

    def _replicates(self, place: Path, runs: Sequence[Run], earlier: Sequence[Run]) -> None:
        """Whether each step of a round has the replicates that the config or the race gives it."""
        replicates = int(self.config["replicates"])
        wanted = [replicates] * len(runs)
        if self.config["racing"]:
            wanted = replayed(runs, earlier, replicates)
        for step, run in enumerate(runs):
            if len(run.measure) != wanted[step]:
                path = place / f"step_{step}.h5"
                self.broken.append(path)
                self.findings.append(
                    f"{path}: holds {len(run.measure)} replicates; from the config and the other "
                    f"steps of its round follow {wanted[step]}"
                )

    def _decision(self, path: Path, runs: Sequence[Run]) -> dict[str, Any]:
        record, config = read_json(path), self.config
        if not runs:
            return record
        lambdas = [run.labels["lambda"] for run in runs]
        measures = round_measures(runs)
        decision = decide(
            lambdas,
            measures,
            spacing=config["spacing"],
            threshold=config["termination_threshold"],
            round_=runs[0].labels["round"],
            max_rounds=config["max_rounds"],
            expand_at_edge=config["expand_at_edge"],
        )
        expected = {
            "lambdas": lambdas,
            "measures": [value if np.isfinite(value) else None for value in measures],
            "replicates": [len(run.measure) for run in runs],
            "optimum_step": decision.optimum,
            "next_bracket": None if decision.bracket is None else list(decision.bracket),
            "stop": decision.stop,
        }
        _compare(path, record, expected, "the steps of its round")
        return record

    def _gathered(self, path: Path, seals: Mapping[str, Sequence[str]]) -> None:
        tables, _ = read_tables(path)
        if self.findings:
            # It may well hold what was there before it was damaged.
            return
        for name, wanted in seals.items():
            found = [str(seal) for seal in tables.get(name, {}).get("sha256", [])]
            if sorted(found) != sorted(wanted):
                raise BrokenFileError(path, f"its {name} are not those of the files beside it")

    def _study(self, path: Path, gathered: bool = True) -> None:
        attributes = read_hdf5(path)[1]
        self._configured(path, attributes["config"])
        if gathered:
            self._gathered(path, self._seals)

    def _read(self, path: Path, read: Callable[[Path], Result]) -> Result | None:
        if not path.exists():
            self.missing.append(path)
            self.findings.append(f"{path}: the file is missing")
            return None
        return self._try(path, lambda: read(path))

    def _try(self, path: Path, read: Callable[[], Result]) -> Result | None:
        self.files += 1
        try:
            return read()
        except OtherConfigError as error:
            # The file may be as good as on its first day.
            self.findings.append(str(error))
        except StudyError as error:
            self.broken.append(path)
            self.findings.append(str(error))
        except (KeyError, TypeError, ValueError) as error:
            # Sealed and whole, but without what a file of its kind has.
            self.broken.append(path)
            self.findings.append(f"{path}: not what its name says ({error!r})")
        return None


_GATHERED = ("steps", "first_tasks", "references", "tests")


def _compare(
    path: Path, record: Mapping[str, Any], expected: Mapping[str, Any], source: str
) -> None:
    for name, value in expected.items():
        if record.get(name) != value:
            raise BrokenFileError(
                path, f"its {name} is {record.get(name)}; from {source} follows {value}"
            )
