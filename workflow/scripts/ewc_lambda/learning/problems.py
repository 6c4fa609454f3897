"""From a study's config and data file to something that can be trained."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ewc_lambda.data.prepared import Prepared
from ewc_lambda.data.sources.task_list import SOFTMAX, one_class
from ewc_lambda.data.standard import Standard
from ewc_lambda.errors import StudyError
from ewc_lambda.learning.augmentation import Augmentation
from ewc_lambda.learning.members import Samples, running_statistics, stack_by_default
from ewc_lambda.learning.optimizers import Rule
from ewc_lambda.learning.probes import goes_through_vmap, gradients_as_in_a_loop
from ewc_lambda.learning.training import Problem, Settings
from ewc_lambda.networks.models import Layout, Network, build_network

logger = logging.getLogger("ewc_lambda")

# What a config leaves out where it is as it was before there was a key for it; `Settings` has that.
_LATER = ("updates", "importance_batch", "synaptic_damping")
_LATER_RULE = ("optimizer", "optimizer_state", "momentum", "weight_decay", "gradient_clip")


def build_problem(
    config: Mapping[str, Any],
    prepared: Prepared,
    stages: range | None = None,
    device: torch.device | str = "cpu",
) -> Problem:
    """Network, samples and settings of a study, all on the device where it computes.

    ``stages`` are the tasks that will be trained, all by default: no training samples are taken of
    the others.

    Raises:
        StudyError: model, loss or batches do not fit the data.

    """
    if (prepared.kind == "regression") != (config["loss"] == "mean_squared_error"):
        known = {"regression": "floats, a regression", "classification": "whole numbers, classes"}
        raise StudyError(
            f"loss: {config['loss']} does not fit a {prepared.kind} data set: its targets are "
            f"{known[prepared.kind]}."
        )
    if config["loss"] == SOFTMAX and prepared.tasks[0].outputs == 1:
        raise StudyError(one_class("tasks[0]"))
    network = build_network(config, prepared.input_shape, [t.outputs for t in prepared.tasks])
    if config["model"] == "custom":
        _choose_ways(network, prepared.input_shape)
    if config["running_statistics"] == "first_task" and not running_statistics(network):
        raise StudyError(
            "running_statistics: first_task freezes what batch normalization learns, and this "
            "model has none. Allowed with it: updated."
        )
    settings = Settings(
        epochs=1 if config.get("updates") else config["epochs"],
        batch_size=config["batch_size"],
        learning_rate=config["learning_rate"],
        loss=config["loss"],
        evaluations_per_epoch=config["evaluations_per_epoch"],
        importance_samples=config["importance_samples"],
        normalize=config["normalize"],
        terms=config["terms"],
        decay=config["decay"],
        stacked=_stacked(config["members"], network, torch.device(device)),
        bfloat16=config["precision"] == "bfloat16",
        running_statistics=config["running_statistics"],
        augmentation=_augmentation(config, prepared.input_shape),
        rule=Rule(**{key: config[key] for key in _LATER_RULE if key in config}),
        **{key: config[key] for key in _LATER if key in config},
    )
    train, selection = [], []
    stages = range(len(prepared.tasks)) if stages is None else stages
    for task, splits in enumerate(prepared.splits):
        x, y = splits["train"]
        if len(x) % settings.batch_size == 1 % settings.batch_size:
            _check_single_sample(network, prepared.input_shape, len(x), task)
        if task not in stages:
            x, y = np.empty((0, *x.shape[1:]), x.dtype), y[:0]
        scale, standard = prepared.scale, prepared.standard
        train.append(as_samples(x, y, scale, device, standard))
        x, y = splits[config["selection_split"]]
        selection.append(as_samples(x, y, scale, device, standard))
        batches = settings.updates or -(-len(splits["train"][0]) // settings.batch_size)
        if batches < settings.evaluations_per_epoch:
            raise StudyError(
                f"evaluations_per_epoch: {settings.evaluations_per_epoch} is more than the "
                f"{batches} batches in an epoch of task {task}. Allowed: at most {batches}."
            )
    network.to(device)
    return Problem(network, Layout.of(network), train, selection, settings)


def _choose_ways(network: Network, input_shape: Sequence[int]) -> None:
    """Find out which fast ways a model of the user's own can go, and say which it cannot."""
    network.vmapped = goes_through_vmap(network, input_shape)
    if not network.vmapped:
        logger.warning(
            "model_file: torch.func.vmap cannot follow the trunk, so members are trained one "
            "after another"
        )
    # First as it is; then not by layers; what is left is the loop itself.
    network.layerwise = gradients_as_in_a_loop(network, input_shape)
    if not network.layerwise:
        network.vmapped_gradients = gradients_as_in_a_loop(network, input_shape)
    if not network.vmapped_gradients:
        logger.warning(
            "model_file: gradients of many samples at once, by layers or by torch.func.vmap, are "
            "not those of a loop, so the importance is computed one sample after another"
        )


def as_samples(
    x: np.ndarray,
    y: np.ndarray,
    scale: float,
    device: torch.device | str = "cpu",
    standard: Standard | None = None,
) -> Samples:
    """Stored samples as tensors, which stay on the device, images with channels last. Whole numbers
    stay what they are, in float32 they take four times the memory; and are not copied where
    channels are last in memory, as `read_prepared` leaves them. Standardized ones are float32.
    """
    inputs = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, 1, -1) if x.ndim == 4 else x))
    inputs = inputs.to(device)
    if inputs.is_floating_point() or standard is not None:
        inputs = inputs.to(torch.float32) * scale
    if standard is not None:
        # Of columns, or of channels, which come last.
        mean, deviation = (inputs.new_tensor(values) for values in standard)
        inputs = (inputs - mean) / deviation
    return Samples(inputs, torch.from_numpy(y).to(device), scale)


def _augmentation(config: Mapping[str, Any], input_shape: Sequence[int]) -> Augmentation:
    found = Augmentation(config["augment_zoom"], config["augment_rotation"], config["augment_flip"])
    if found.active and len(input_shape) != 3:
        raise StudyError(
            f"augment_zoom, augment_rotation, augment_flip: need pictures, but samples of this "
            f"data set have the shape {tuple(input_shape)}."
        )
    return found


def _check_single_sample(
    network: Network, input_shape: Sequence[int], samples: int, task: int
) -> None:
    """StudyError if the network cannot be trained on a batch of one sample, as where there is
    nothing but it to normalize over.
    """
    training = copy.deepcopy(network).train()
    try:
        training(torch.zeros(1, *input_shape), *network.route(task, task))
    except ValueError as error:
        raise StudyError(
            f"batch_size: task {task} has {samples} training samples, so that its last batch holds "
            f"one, which the model cannot be trained on ({error}). Allowed: a batch_size or "
            f"samples_per_task that leaves more."
        ) from error


def _stacked(choice: str, network: Network, device: torch.device) -> bool:
    if choice == "stacked" and not network.vmapped:
        raise StudyError(
            "members: stacked needs a model that goes through torch.func.vmap, which that of "
            "model_file does not. Allowed with it: auto, looped."
        )
    if choice == "auto":
        return network.vmapped and stack_by_default(network, device)
    return choice == "stacked"
