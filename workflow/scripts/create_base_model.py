"""Draw the initial weights of a trial and freeze them."""

import sys
from pathlib import Path
from typing import Any

import torch

from ewc_lambda.config.own_trainer import trained_by_user
from ewc_lambda.data.prepared import read_prepared
from ewc_lambda.data.task_order import for_trial
from ewc_lambda.jobs import own_steps
from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.networks.custom_model import draws_weights
from ewc_lambda.networks.models import Layout, draw_network, flat_state
from ewc_lambda.networks.weights import save_state
from ewc_lambda.seeding import trial_generator
from ewc_lambda.store.provenance import own_files, provenance
from ewc_lambda.store.records import write_json
from ewc_lambda.store.stamps import digest_of, stamped


def main(snakemake: Any) -> None:
    """Rule create_base_model."""
    if trained_by_user(snakemake.params.config):
        own_steps.create_base_model(snakemake)
        return
    config, trial = snakemake.params.config, int(snakemake.wildcards.trial)
    prepared = for_trial(read_prepared(snakemake.input.data), config, trial)
    if (
        trial == 0
        and config["model"] == "custom"
        and not draws_weights(config, prepared.input_shape)
    ):
        _tell(snakemake.rule, config["model_file"])
    outputs = [task.outputs for task in prepared.tasks]
    generator = trial_generator(config["seed"], trial, "weights")
    network = draw_network(config, prepared.input_shape, outputs, generator)
    layout = Layout.of(network)
    sha256 = save_state(snakemake.output.weights, layout, *flat_state(network, layout))
    origin = {"data": prepared.sha256, "labels": digest_of({"trial": trial})}
    record = {
        "trial": trial,
        "weights_sha256": sha256,
        "parameters": layout.size,
        "shared_parameters": layout.shared,
        **stamped(provenance(snakemake.params.code, config, torch=torch), origin),
        # The user's own model, kept where it cannot be edited away.
        "model_source": [
            Path(file).read_bytes().decode(errors="replace") for file in own_files(config)
        ],
    }
    if config.get("task_order", "given") != "given":
        record["tasks"] = [task.name for task in prepared.tasks]
        logger.info("tasks, as drawn: %s", "; ".join(record["tasks"]))
    write_json(snakemake.output.record, record)
    logger.info("%d parameters, %d of them shared", layout.size, layout.shared)


def _tell(rule: str, file: str) -> None:
    note = (
        f"{file}: the trunk begins with the same weights in every trial, whatever its seed, so "
        "that an interval over trials does not cover other ones; right for weights that it loads"
    )
    logger.warning("%s", note)
    print(f"{rule}: {note}.", file=sys.stderr)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
