"""Train the first task of a trial once for all lambdas, and weigh its parameters."""

from typing import Any

import torch
from torch import Tensor

from ewc_lambda.config.own_trainer import trained_by_user
from ewc_lambda.jobs import own_steps
from ewc_lambda.jobs.open_trial import OpenTrial, progress_log
from ewc_lambda.jobs.run_job import run_job
from ewc_lambda.learning.device import as_fits
from ewc_lambda.learning.sequence import State, base_state, concatenated, train_first_task
from ewc_lambda.networks.weights import save_state, tensor_digest


def main(snakemake: Any) -> None:
    """Rule train_first_task."""
    if trained_by_user(snakemake.params.config):
        own_steps.train_first_task(snakemake)
        return
    opened = OpenTrial.open(snakemake, range(1))
    streams = opened.streams()
    log = progress_log(opened.problem, 1)

    def train(part: slice) -> tuple[State, dict[str, Tensor]]:
        base = base_state(opened.problem, *opened.base, len(streams[part]))
        names = opened.config["importance"]
        return train_first_task(opened.problem, base, streams[part], names, log)

    parts = as_fits(len(streams), train)
    state = concatenated([state for state, _ in parts])
    omegas = {name: torch.cat([omegas[name] for _, omegas in parts]) for name in parts[0][1]}
    layout, memory = opened.problem.layout, state.memory
    file_digest = save_state(
        snakemake.output.weights, layout, state.theta, state.buffers, omegas, memory
    )
    # Steps name the state and the importance that they start from, not the file: another
    # importance measure in it is nothing to them.
    remembered = [memory[name] for name in sorted(memory)]
    whole = tensor_digest(state.theta, state.buffers, *remembered)
    digests = {"weights": file_digest, "state": whole}
    digests |= {f"omega/{name}": tensor_digest(omega) for name, omega in omegas.items()}
    run = opened.run(state, {"trial": opened.trial, "reference": "first_task"})
    opened.write(snakemake.output.record, run, digests)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
