"""Whether the keys of training and importance fit each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ewc_lambda.errors import StudyError

# Measures that are of classes: of a regression the first is 0, and the second not meant for one.
_OF_CLASSES = ("fisher_predicted", "fisher_reversed")


def check_setup(config: Mapping[str, Any]) -> None:
    """Refuse what would be passed over in silence, or be 0 throughout.

    Raises:
        StudyError: names the key and says what is allowed.

    """
    _check_optimizer(config)
    _check_choice(config)
    if config["negative_slope"] and config["model"] != "mlp":
        raise StudyError(
            f"negative_slope: {config['negative_slope']} is of the rectifiers of mlp. Allowed with "
            f"model {config['model']}: 0."
        )
    if config["model"] == "mlp" and not config["hidden"] and config["heads"] == "per_task":
        raise StudyError(
            "hidden: without a layer, a head per task leaves nothing that tasks share. Allowed: at "
            "least one width, or heads shared or growing."
        )
    updates, evaluations = config["updates"], config["evaluations_per_epoch"]
    if updates is not None and updates < evaluations:
        raise StudyError(
            f"evaluations_per_epoch: {evaluations} is more than the {updates} updates of a task. "
            f"Allowed: at most {updates}."
        )
    wrong = [name for name in config["importance"] if name in _OF_CLASSES]
    if wrong and config["loss"] == "mean_squared_error":
        raise StudyError(
            f"importance: {wrong[0]} needs classes, and loss mean_squared_error is of a "
            f"regression. Allowed with it: all but {', '.join(_OF_CLASSES)}."
        )


def _check_optimizer(config: Mapping[str, Any]) -> None:
    if config["momentum"] and config["optimizer"] != "sgd":
        raise StudyError(
            f"momentum: {config['momentum']} is of sgd, and {config['optimizer']} has averages of "
            f"its own. Allowed: momentum 0, or optimizer sgd."
        )
    remembers = config["optimizer"] == "adam" or config["momentum"]
    if config["optimizer_state"] == "carried" and not remembers:
        raise StudyError(
            "optimizer_state: sgd without momentum remembers nothing that could be carried. "
            "Allowed: reset, or momentum above 0."
        )


def _check_choice(config: Mapping[str, Any]) -> None:
    by = config["select_by"]
    if by.endswith("accuracy") and config["loss"] == "mean_squared_error":
        raise StudyError(
            f"select_by: {by} needs classes, and loss mean_squared_error is of a regression. "
            f"Allowed with it: measure, final_loss."
        )
    if by.endswith("accuracy") and config["trial_mean"] == "geometric":
        raise StudyError(
            f"trial_mean: the geometric mean is of shares, and where all is right {by} has an "
            f"error of 0, of which nothing is a share. Allowed with it: arithmetic."
        )
    if by != "measure" and config["racing"]:
        raise StudyError(
            f"racing: drops steps by the Riemann measure, and select_by is {by}. Allowed: racing "
            f"false, or select_by measure."
        )
