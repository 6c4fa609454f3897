"""Tasks with a data set each: entries of ``tasks`` that say where their samples come from.

An entry is a mapping with one of ``dataset``, ``npz_file`` and ``image_folder``, and ``classes``: a
list, or all, which is the default. An entry that is a list is of the study's own ``dataset``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ewc_lambda.data.sources.base import Config, DatasetInfo, listed
from ewc_lambda.data.sources.download import data_folder
from ewc_lambda.errors import StudyError

_SOURCES = ("dataset", "npz_file", "image_folder")
_ALLOWED = (
    "Allowed: {dataset: mnist, classes: [0, 1]}, {npz_file: site.npz} or {image_folder: night}, "
    "classes being a list or all"
)


@dataclass(frozen=True)
class TaskSource:
    """Where the samples of a task come from: the ``config`` of a study of that data set alone, what
    is known of it, and ``label``, by which messages and results call it, which is empty where all
    tasks are of one data set. ``classes`` is an entry as one of ``tasks`` is.
    """

    label: str
    config: Config
    info: DatasetInfo
    classes: Any

    @property
    def place(self) -> str:
        """Where the data set lies, of those that are a user's own; else its name."""
        places = {"npz": self.config["npz_file"], "image_folder": self.config["data_folder"]}
        return str(places.get(self.info.name, self.info.name))


def is_mixed(config: Config) -> bool:
    """Whether a task says where its samples come from. A task of functions is a mapping, too."""
    return config["dataset"] != "function" and any(isinstance(e, Mapping) for e in config["tasks"])


def task_sources(config: Config, datasets: Mapping[str, DatasetInfo]) -> list[TaskSource]:
    """The source of each task; a single one where all are of the study's own data set.

    Raises:
        StudyError: names the task whose mapping does not serve.

    """
    if not is_mixed(config):
        return [TaskSource("", config, datasets[config["dataset"]], None)]
    found = [_source(entry, place, config, datasets) for place, entry in enumerate(config["tasks"])]
    names: dict[str, set[str]] = {}
    for source in found:
        names.setdefault(source.label, set()).add(source.place)
    # Two files of one name are told apart by their whole paths.
    return [
        replace(source, label=source.place) if len(names[source.label]) > 1 else source
        for source in found
    ]


def _source(
    entry: Any, place: int, config: Config, datasets: Mapping[str, DatasetInfo]
) -> TaskSource:
    key = f"tasks[{place}]"
    if not isinstance(entry, Mapping):
        own = datasets[config["dataset"]]
        _check_kind(own, key)
        return TaskSource(own.name, {**config, "tasks": [entry]}, own, entry)
    _check_entry(entry, key)
    classes = entry.get("classes", ["all"])
    classes = [classes] if classes == "all" else classes
    name, label, changes = "", "", {}
    if "npz_file" in entry:
        name, label = "npz", Path(entry["npz_file"]).stem
        changes = {"npz_file": entry["npz_file"]}
    elif "image_folder" in entry:
        name, label = "image_folder", Path(entry["image_folder"]).name
        changes = {"data_folder": str(_folder(entry["image_folder"], config))}
    else:
        name = label = entry["dataset"]
    if name not in datasets:
        raise StudyError(f"{key}: unknown data set {name!r}, allowed are {listed(datasets)}")
    _check_kind(datasets[name], key)
    own_config = {**config, "dataset": name, "tasks": [classes], **changes}
    return TaskSource(label, own_config, datasets[name], classes)


def _check_entry(entry: Mapping[str, Any], key: str) -> None:
    given = [name for name in _SOURCES if name in entry]
    unknown = [str(name) for name in entry if name not in (*_SOURCES, "classes")]
    if unknown or len(given) != 1:
        what = f"has {unknown[0]!r}" if unknown else f"names {listed(given) or 'no data set'}"
        raise StudyError(f"{key}: {what}. {_ALLOWED}.")
    if not isinstance(entry[given[0]], str) or not entry[given[0]]:
        raise StudyError(f"{key}: {given[0]} must be text, not {entry[given[0]]!r}. {_ALLOWED}.")


def _check_kind(info: DatasetInfo, key: str) -> None:
    if info.task != "classes":
        raise StudyError(
            f"{key}: a task of {info.name} lists no classes, and goes with no other data set. "
            f"{_ALLOWED}."
        )


def _folder(name: str, config: Config) -> Path:
    own = Path(name).expanduser()
    return own if own.is_dir() else data_folder(config) / name
