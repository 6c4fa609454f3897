"""The config of a study that a user's own program trains (docs/your-trainer.md)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ewc_lambda.errors import StudyError
from ewc_lambda.trainers.calls import PLACES

_NEEDED = ("lambda", "seed", "output")


def trained_by_user(config: Mapping[str, Any]) -> bool:
    """Whether a file or a command of the user's trains in place of the project's networks."""
    # Configs of earlier versions have no such keys.
    return any(config.get(key) is not None for key in ("trainer", "trainer_command"))


def offers_joint(config: Mapping[str, Any]) -> bool:
    """Whether a study has the reference line of joint training: a trainer's file may define it."""
    if not trained_by_user(config):
        return True
    if config["trainer"] is None:
        return False
    try:
        text = Path(config["trainer"]).read_text(errors="replace")
    except OSError:
        return False
    # Not parsed: it may be written for another Python.
    return re.search(r"^def joint\(", text, re.MULTILINE) is not None


def check_python(config: Mapping[str, Any]) -> None:
    """StudyError where the Python of a trainer is not there."""
    python = config["trainer_python"]
    if python is not None and not Path(python).is_file():
        raise StudyError(
            f"trainer_python: {python}: no such program. Allowed: the path of a Python, from the "
            f"folder in which Snakemake runs."
        )


def check_trainer(config: Mapping[str, Any]) -> None:
    """StudyError, which names the key, where those of a trainer do not fit each other."""
    file, command, python = (config[f"trainer{end}"] for end in ("", "_command", "_python"))
    if config["dataset"] == "own" and file is None and command is None:
        raise StudyError(
            "dataset: own is that of a trainer of one's own. Allowed: a data set of the project, "
            "or own with trainer or trainer_command."
        )
    if file is None and python is not None:
        raise StudyError(
            "trainer_python: runs the file of trainer, which is not set. Allowed: null, or with "
            "trainer (a trainer_command names its own)."
        )
    if file is not None and command is not None:
        raise StudyError("trainer_command: trainer is set, too. Allowed: one of both.")
    if command is not None:
        _check_command(command)
    if config["racing"] and (file or command):
        raise StudyError(
            "racing: a trainer of one's own trains all replicates of a step at once. Allowed with "
            "trainer or trainer_command: false."
        )


def _check_command(command: str) -> None:
    allowed = ", ".join(f"{{{place}}}" for place in PLACES)
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise StudyError(f"trainer_command: {error}. Allowed: words as in a shell.") from None
    found = re.findall(r"\{(\w+)\}", " ".join(words))
    for place in found:
        if place not in PLACES:
            raise StudyError(
                f"trainer_command: {{{place}}} stands for nothing. Allowed: {allowed}."
            )
    for place in _NEEDED:
        if place not in found:
            raise StudyError(
                f"trainer_command: {{{place}}} is not in it. Allowed: a command that takes at "
                f"least {{lambda}} and {{seed}} and writes to {{output}}."
            )
