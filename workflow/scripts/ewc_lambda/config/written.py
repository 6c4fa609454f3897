"""What stands in a config as its author wrote it, before YAML and Snakemake made values of it: keys
given twice, names that YAML takes for numbers, texts that Snakemake took for numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ewc_lambda.config.plain_yaml import grows
from ewc_lambda.errors import StudyError

# Keys whose value is text, even where it looks like a number.
TEXT = (
    "study",
    "data_folder",
    "npz_file",
    "model_file",
    "trainer",
    "trainer_command",
    "trainer_python",
)
# How a whole number is written that is one in every reading.
NUMBER = re.compile(r"0|[1-9][0-9]*", re.ASCII)
# What yaml raises for a text that is none, and for one with an impossible date or number.
NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)

_TAG = "tag:yaml.org,2002:"
_READ_AS = {"int": "a number", "float": "a number", "bool": "true or false", "null": "nothing"}
_READ_AS["timestamp"] = "a date"


def as_typed(given: Mapping[str, Any], entries: Iterable[str] | None) -> dict[str, Any]:
    """A config in which texts are what was typed after ``--config``: of ``study=007`` Snakemake
    makes 7, whatever the quotes. ``entries`` are the command line's, key=value each.
    """
    typed = dict(given)
    for entry in entries or ():
        key, _, text = entry.partition("=")
        text = text.strip("'\"")
        if key in TEXT and text and not isinstance(given.get(key), str):
            typed[key] = text
    return typed


def check_keys(path: str | Path) -> None:
    """StudyError if a key of a config file is given twice, of which YAML takes the last one, in
    silence; if a name in it is read as something else; or if its aliases and merges would fill the
    memory. A file that is no YAML is refused where it is read.
    """
    try:
        root = yaml.compose(Path(path).read_text(encoding="utf-8"), yaml.SafeLoader)
        large = grows(root)
    except NOT_YAML:
        return
    if large:
        raise StudyError(
            f"{path}: its aliases and merges (& * <<) stand for more values than a config has. "
            f"Allowed: write them out."
        )
    pending = [root]
    seen = set()
    while pending:
        node = pending.pop()
        if id(node) in seen:  # An anchor of YAML can stand inside itself.
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            pending += [value for _, value in node.value]
            _check_mapping(path, [key for key, _ in node.value])
    if isinstance(root, yaml.MappingNode):
        _check_names(path, {key.value: value for key, value in root.value})


def _check_mapping(path: str | Path, keys: Sequence[yaml.Node]) -> None:
    lines: dict[str, int] = {}
    for key in keys:
        name, line = str(key.value), key.start_mark.line + 1
        if name in lines:
            raise StudyError(
                f"{path}: {name} is given twice, in line {lines[name]} and in line {line}. "
                "Allowed: once."
            )
        lines[name] = line


def _check_names(path: str | Path, values: Mapping[str, yaml.Node]) -> None:
    """StudyError where the text of a name, or a class in ``tasks``, is no text to YAML, and what
    YAML reads does not say what was written: 010 is 8, and no is false.
    """
    for key in TEXT:
        if key in values:
            _check_name(path, key, values[key])
    for task in _items(values.get("tasks")):
        for name in _items(task):
            _check_name(path, "tasks", name)
        for key, name in _of_mapping(task):
            if key in ("npz_file", "image_folder"):
                _check_name(path, f"tasks: {key}", name)
            for item in _items(name) if key == "classes" else ():
                _check_name(path, "tasks", item)


def _items(node: yaml.Node | None) -> Sequence[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def _of_mapping(node: yaml.Node) -> list[tuple[str, yaml.Node]]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [(str(key.value), value) for key, value in pairs]


def _check_name(path: str | Path, key: str, node: yaml.Node) -> None:
    if not isinstance(node, yaml.ScalarNode) or node.style in ("'", '"'):
        return
    kind, text = node.tag.removeprefix(_TAG), str(node.value)
    nothing = kind == "null" and key != "tasks"
    if kind not in _READ_AS or nothing or (kind == "int" and NUMBER.fullmatch(text.lstrip("-"))):
        return
    raise StudyError(
        f"{path}, line {node.start_mark.line + 1}: {key}: YAML reads {text} as {_READ_AS[kind]}. "
        f"Write '{text}' in quotes."
    )
