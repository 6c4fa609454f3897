"""What of a search and of its trials must agree, in a config whose values are allowed each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ewc_lambda.config.own_trainer import trained_by_user
from ewc_lambda.errors import StudyError
from ewc_lambda.search.scout import AUTO


def check_search(config: Mapping[str, Any]) -> None:
    """Check the keys of trials, brackets and races.

    Raises:
        StudyError: names the key and says what is allowed.

    """
    _check_trials(config)
    _check_ranges(config)
    _check_racing(config)


def _check_trials(config: Mapping[str, Any]) -> None:
    most = config["trials"]
    asked = [key for key in ("target_width", "target_gain") if config[key] is not None]
    if asked and most == 1:
        raise StudyError(
            f"{asked[0]}: one trial has no interval over trials. Allowed: trials at least 2, or "
            f"{asked[0]} null."
        )
    if asked and (config["min_trials"] or 0) > most:
        both = " and ".join(asked)
        raise StudyError(
            f"min_trials: {config['min_trials']} is more than trials, {most}, which with "
            f"{both} are there at most. Allowed: min_trials up to trials, or {both} "
            f"null for a fixed number of trials."
        )
    if "target_gain" in asked and "finetuning" not in config["references"]:
        raise StudyError(
            "target_gain: the gain is over lambda = 0, which is not among references. Allowed: "
            "finetuning among references, or target_gain null."
        )
    if config["first_trials"] is not None and config["racing"]:
        raise StudyError(
            "racing: a race drops lambdas beside the best, and a later trial has few of them. "
            "Allowed: racing false, or first_trials null."
        )


def _check_ranges(config: Mapping[str, Any]) -> None:
    low, high = config["low_range"], config["high_range"]
    if AUTO in (low, high):
        _check_auto(config)
        return
    for key, ends in (("low_range", low), ("high_range", high)):
        if ends[0] > ends[1]:
            raise StudyError(f"{key}: {ends} is not in rising order. Allowed: [least, greatest].")
    if low[1] >= high[0]:
        raise StudyError(
            f"low_range: its upper end {low[1]} is not below the lower end {high[0]} of "
            f"high_range. Allowed: ranges that do not overlap, low_range first."
        )
    if config["spacing"] == "log" and low[0] <= 0:
        raise StudyError(
            f"low_range: {low} begins at {low[0]}, which has no logarithm. Allowed with spacing "
            f"log: bounds above 0. (lambda = 0 is trained anyway, as a reference.)"
        )


def _check_auto(config: Mapping[str, Any]) -> None:
    if config["low_range"] != config["high_range"]:
        other = "high_range" if config["low_range"] == AUTO else "low_range"
        raise StudyError(
            f"{other}: {config[other]}, and the other range is auto. Allowed: both auto, or none."
        )
    if trained_by_user(config):
        raise StudyError(
            "low_range: auto is for networks that are trained here. Allowed with a trainer of "
            "your own: [least, greatest]."
        )
    if config["spacing"] != "log":
        raise StudyError(
            "low_range: auto looks for the decades in which lambda acts. Allowed with spacing "
            "linear: [least, greatest]."
        )


def _check_racing(config: Mapping[str, Any]) -> None:
    if not config["racing"]:
        return
    if config["randomness"] != "common":
        raise StudyError(
            "racing: steps are compared replicate by replicate, which independent random numbers "
            "do not allow. Allowed: randomness common, or racing false."
        )
    if config["replicates"] < 4:
        raise StudyError(
            f"racing: the first three replicates of a step are always trained, so with "
            f"{config['replicates']} nothing is saved. Allowed: replicates at least 4, or racing "
            f"false."
        )
