"""Draw the initial weights of a trial and freeze them."""

from typing import Any

from ewc_lambda.jobs import logger, run_job
from ewc_lambda.models import Layout, build_network, draw_weights, flat_state
from ewc_lambda.prepared import read_prepared
from ewc_lambda.provenance import provenance
from ewc_lambda.records import write_json
from ewc_lambda.seeding import trial_generator
from ewc_lambda.weights import save_state


def main(snakemake: Any) -> None:
    """Rule create_base_model."""
    config, trial = snakemake.params.config, int(snakemake.wildcards.trial)
    prepared = read_prepared(snakemake.input.data)
    network = build_network(config, prepared.input_shape, [t.outputs for t in prepared.tasks])
    draw_weights(network, trial_generator(config["seed"], trial, "weights"))
    layout = Layout.of(network)
    sha256 = save_state(snakemake.output.weights, layout, *flat_state(network, layout))
    record = {
        "trial": trial,
        "weights_sha256": sha256,
        "parameters": layout.size,
        "shared_parameters": layout.shared,
        "provenance": provenance(snakemake.params.code, config),
    }
    write_json(snakemake.output.record, record)
    logger.info("%d parameters, %d of them shared", layout.size, layout.shared)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
