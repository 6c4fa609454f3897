"""The study that a user names: by its name, by its config file or by its study file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ewc_lambda.config.study_config import DEFAULT, elsewhere, load, resolve
from ewc_lambda.errors import StudyError
from ewc_lambda.results.run_config import RUN_CONFIG
from ewc_lambda.results.study_file import Study
from ewc_lambda.store.records import read_attributes

FORMS = "a study is named by its name, by its config (.yaml) or by its study file (.h5)"
STUDIES = Path("config/studies")


@dataclass(frozen=True)
class NamedStudy:
    """A study's file, which may not be there yet, and the config file that it is run with: None
    where the study file stands for itself.
    """

    file: Path
    config_file: Path | None

    def existing(self) -> Path:
        """The study file.

        Raises:
            StudyError: it is not there yet; says how to make it.

        """
        if not self.file.is_file():
            raise StudyError(
                f"{self.file}: is not there yet. Make it: snakemake --cores all --configfile "
                f"{self.config_file}. How far it is: ewc-lambda summary {self.config_file}"
            )
        return self.file

    def config(self) -> dict[str, Any]:
        """The resolved config, of the config file or as stored, where keys that came later have
        their defaults.

        Raises:
            StudyError: the file that it stands in is missing, damaged or wrong.

        """
        if self.config_file is not None:
            return load(self.config_file)
        return resolve(Study.read(self.file).config)

    def made_with(self) -> str:
        """What differs in the config that the study file was made with: keys and values, "" where
        nothing does.
        """
        config = self.config()
        stored = read_attributes(self.file)["config"]
        return ", ".join(f"{key}: {old}" for key, old in stored.items() if config.get(key) != old)


def add_study(parser: argparse.ArgumentParser) -> None:
    """Give a command the arguments that `find_study` takes."""
    parser.add_argument(
        "study", nargs="?", help=f"its name, its config or its study.h5; default: {DEFAULT}"
    )
    add_results(parser)


def add_results(parser: argparse.ArgumentParser) -> None:
    """Give a command the folder that studies lie in."""
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="folder of all studies: results"
    )


def find_study(named: str | None, results: Path) -> NamedStudy:
    """The study of that name, config file or study file; of the default config for None.

    Raises:
        StudyError: there is none; says what to type.

    """
    if named is None:
        return _by_config(DEFAULT, results)
    path = Path(named)
    if (path / "study.h5").is_file():
        return NamedStudy(path / "study.h5", None)
    if path.suffix == ".h5":
        if not path.is_file():
            raise StudyError(f"{path}: no such file; {FORMS}")
        return NamedStudy(path, None)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return _by_config(path, results)
    return _by_name(named, results)


def _by_config(path: Path, results: Path) -> NamedStudy:
    if path != DEFAULT and not path.is_file():
        raise StudyError(f"{path}: no such file; {FORMS}")
    # A config is read over the default one.
    if said := elsewhere():
        raise StudyError(said)
    return NamedStudy(results / load(path)["study"] / "study.h5", path)


def _by_name(name: str, results: Path) -> NamedStudy:
    folder = results / name
    configs = [folder / RUN_CONFIG, DEFAULT, STUDIES / f"{name}.yaml"]
    for config in configs if DEFAULT.is_file() else ():
        if config.is_file() and load(config)["study"] == name:
            return NamedStudy(folder / "study.h5", config)
    if (folder / "study.h5").is_file():
        return NamedStudy(folder / "study.h5", None)
    if said := elsewhere():
        raise StudyError(said)
    if folder.is_dir():
        raise StudyError(
            f"{name}: {folder} holds no study.h5 yet, and none of {', '.join(map(str, configs))} "
            f"is its config. Name the config file that it is run with."
        )
    known = ", ".join(sorted(set(_names(results))))
    raise StudyError(f"{name}: no such study. Known here: {known or 'none'}; {FORMS}")


def _names(results: Path) -> Iterator[str]:
    """Studies that have a file, and those that the project has a config of."""
    yield from (file.parent.name for file in results.glob("*/study.h5"))
    if DEFAULT.is_file():
        yield load(DEFAULT)["study"]
    yield from (file.stem for file in STUDIES.glob("*.yaml"))
