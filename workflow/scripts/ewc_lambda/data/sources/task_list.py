"""What the config says of the tasks: checked as a whole, and turned into indices of classes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from ewc_lambda.data.sources import DATASETS
from ewc_lambda.data.sources.base import Config, DatasetInfo, listed, spanned
from ewc_lambda.data.sources.functions import check_function
from ewc_lambda.data.sources.mixed_tasks import is_mixed, task_sources
from ewc_lambda.data.sources.own import check_names
from ewc_lambda.errors import StudyError

# An entry of ``tasks`` that stands for every class (or column) of the data set.
ALL = "all"
# The loss that is 0 with a single output.
SOFTMAX = "softmax_cross_entropy"
# Keys on pictures, and where they ask for nothing.
OF_PICTURES = {"image_colour": "as_is", "image_padding": 0}


def validate_tasks(config: Config) -> None:
    """Check data set, tasks, heads and transform against each other, without reading a file.

    ``config`` is one that the schema allows. Raises StudyError, which names the key and says what
    is allowed.
    """
    _validate_pictures(config)
    if is_mixed(config):
        _validate_mixed(config)
        return
    info = DATASETS[config["dataset"]]
    _validate_needs(config, info)
    entries = config["tasks"]
    if info.task == "names":
        check_names(entries)
        return
    if info.task == "function":
        _validate_functions(config)
    else:
        names = info.features if info.task == "features" else info.classes
        for place, entry in enumerate(entries):
            class_indices(entry, names, f"tasks[{place}]", info)
        # "all" has a length only once the classes are known.
        if names is not None or ALL not in map(stripped, entries):
            check_counts(config, info, [_length(entry, names) for entry in entries])
        for place, entry in enumerate(entries):
            if info.task == "classes" and (names is not None or stripped(entry) != ALL):
                _check_classes(config, place, _length(entry, names))
    _validate_transform(config, info)
    _validate_order(config, info)


def check_sequence(config: Config) -> None:
    """StudyError for one task alone."""
    if len(config["tasks"]) < 2:
        raise StudyError(
            "tasks: has one task, after which nothing is learned and nothing is forgotten, so that "
            "every lambda does the same. Allowed: two tasks or more"
        )


def _validate_pictures(config: Config) -> None:
    """Keys on pictures and folders, which would otherwise be passed over."""
    infos = [source.info for source in task_sources(config, DATASETS)]
    if config.get("test_fraction") is not None and all(i.name != "image_folder" for i in infos):
        raise StudyError(
            f"test_fraction: {infos[0].name} comes with its test split. Allowed: null, or dataset "
            f"image_folder"
        )
    asked = [key for key, none in OF_PICTURES.items() if config.get(key, none) != none]
    for info in infos:
        if asked and info.images is False:
            raise StudyError(f"{asked[0]}: needs pictures, which {info.name} has not")


def _validate_needs(config: Config, info: DatasetInfo) -> None:
    for key in info.needs:
        if config[key] is None:
            raise StudyError(f"{key}: must be set for the data set {info.name}")


def _validate_mixed(config: Config) -> None:
    """Tasks with a data set each, as far as can be known without reading them."""
    counts: list[int | None] = []
    for place, source in enumerate(task_sources(config, DATASETS)):
        info, names = source.info, source.info.classes
        _validate_needs(source.config, info)
        class_indices(source.classes, names, f"tasks[{place}]", info)
        known = names is not None or stripped(source.classes) != ALL
        count = _length(source.classes, names) if known else None
        if count is not None:
            _check_classes(config, place, count)
        counts.append(count)
        _validate_transform(config, info)
    known_counts = [count for count in counts if count is not None]
    if len(known_counts) == len(counts):
        check_counts(config, info, known_counts)
    _validate_order(config, None)


def _validate_order(config: Config, info: DatasetInfo | None) -> None:
    """``task_order`` drawn_classes deals out the classes of one data set."""
    if config.get("task_order", "given") != "drawn_classes":
        return
    entries = [[entry] if isinstance(entry, str) else entry for entry in config["tasks"]]
    listed_ones = [str(value) for entry in entries for value in entry]
    wrong = ""
    if info is None or info.task != "classes":
        wrong = "needs tasks that list classes of one data set"
    elif config["transform"] != "none":
        wrong = f"goes with transform none, not with {config['transform']}"
    elif ALL in listed_ones and ALL not in (info.classes or ()):
        wrong = "needs tasks that list their classes, and one says all"
    elif len(set(listed_ones)) < len(listed_ones):
        wrong = "gives each class to one task, and one is listed twice"
    if wrong:
        raise StudyError(f"task_order: drawn_classes {wrong}. Allowed: given, drawn.")


def _check_classes(config: Config, place: int, count: int) -> None:
    # Where the order is drawn, any task may come first.
    drawn = config.get("task_order", "given") != "given"
    first_alone = config["heads"] != "growing" or place == 0 or drawn
    if count == 1 and first_alone and config["loss"] == SOFTMAX:
        raise StudyError(one_class(f"tasks[{place}]"))


def one_class(task: str) -> str:
    """The message on a task of a single output with which nothing can be learned."""
    return (
        f"{task}: has one class, and with one output the loss {SOFTMAX} is 0 whatever the network "
        "does: nothing is learned, no importance is found, and every lambda does the same. "
        "Allowed: tasks of at least two classes, or loss binary_cross_entropy"
    )


def stripped(entry: object) -> object:
    """The only value of a list of one, else the entry as it is."""
    return entry[0] if isinstance(entry, list | tuple) and len(entry) == 1 else entry


def _length(entry: Sequence[Any], names: tuple[str, ...] | None) -> int:
    return len(names) if names is not None and stripped(entry) == ALL else len(entry)


def class_indices(
    entry: Any, names: tuple[str, ...] | None, key: str, info: DatasetInfo
) -> list[int]:
    """Indices into ``names`` of what one entry of ``tasks`` lists; [] where names is None.

    A value is a name first and a number second, so a class folder called 3 is written 3; where a
    name is itself a number, no value is taken for a place. Raises StudyError, which names ``key``,
    for what is not in ``names``, is listed twice or is no list.
    """
    if stripped(entry) == ALL and ALL not in (names or ()):
        return list(range(len(names or ())))
    _check_values(entry, key, info)
    if names is None:
        if len(set(map(str, entry))) < len(entry):
            raise StudyError(f"{key}: lists a {_noun(info)} twice ({listed(entry)})")
        return []
    places = {_composed(name): place for place, name in enumerate(names)}
    numbered = any(map(str.isdecimal, names))
    found: list[int] = []
    for value in entry:
        # By its name, else by its number: a string that is no name has no number either.
        number = -1 if isinstance(value, str) or numbered else value
        place = places.get(_composed(str(value)), number)
        if not 0 <= place < len(names):
            raise StudyError(f"{key}: {_unknown(value, names, info)}")
        if place in found:
            raise StudyError(f"{key}: lists the {_noun(info)} {names[place]!r} twice")
        found.append(place)
    return found


def _noun(info: DatasetInfo) -> str:
    return "feature" if info.task == "features" else "class"


def _check_values(entry: Any, key: str, info: DatasetInfo) -> None:
    if not isinstance(entry, list | tuple) or not entry:
        raise StudyError(f"{key}: must be a list of at least one {_noun(info)}, or {ALL}")
    for value in entry:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise StudyError(
                f"{key}: {value!r} is neither the name nor the number of a {_noun(info)}"
            )


def _composed(name: str) -> str:
    """A name in one of the ways to write its accents: file systems and keyboards differ in them."""
    return unicodedata.normalize("NFC", name)


def _unknown(value: int | str, names: Sequence[str], info: DatasetInfo) -> str:
    """Why ``value`` is none of ``names``, and what it may have stood for."""
    if isinstance(value, int):
        padded = [n for n in names if n.isdecimal() and n != str(int(n)) and int(n) == value]
        if padded:
            return (
                f"{value} is read as a number, and names of {_noun(info)}es here have zeros in "
                f"front; write '{padded[0]}' in quotes"
            )
        if info.labels:
            labels = spanned([int(name) for name in names])
            return f"{info.labels} has no label {value}: its labels are {labels}"
    return f"{value!r} is not a {_noun(info)} of {info.name}, which has {listed(names)}"


def check_counts(config: Config, info: DatasetInfo, counts: list[int]) -> None:
    """StudyError unless tasks with ``counts`` classes or features can share what they share."""
    if len(set(counts)) == 1:
        return
    if info.task == "features":
        raise StudyError(
            f"tasks: list {listed(counts)} features, but one model reads them all: every task "
            "needs equally many"
        )
    if config["heads"] == "shared":
        raise StudyError(
            f"tasks: have {listed(counts)} classes, but with heads: shared every task needs "
            "equally many; use per_task or growing"
        )


def _validate_functions(config: Config) -> None:
    for place, entry in enumerate(config["tasks"]):
        check_function(entry, f"tasks[{place}]")
    low, high = config["function_interval"]
    if not low < high:
        raise StudyError(f"function_interval: low ({low}) must be below high ({high})")
    if config["heads"] == "growing":
        raise StudyError("heads: growing needs classes; a function takes per_task or shared")


def _validate_transform(config: Config, info: DatasetInfo) -> None:
    transform = config["transform"]
    if transform == "none":
        return
    if info.images is False:
        raise StudyError(f"transform: {transform} needs pictures, which {info.name} has not")
    if transform == "rotated":
        wanted = len(config["tasks"])
        if len(config["rotations"] or ()) != wanted:
            raise StudyError(
                f"rotations: must list one angle in degrees for each of the {wanted} tasks"
            )
