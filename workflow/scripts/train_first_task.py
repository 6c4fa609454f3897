"""Train the first task of a trial once for all lambdas, and weigh its parameters."""

from typing import Any

from ewc_lambda.bench import Bench, progress_log
from ewc_lambda.jobs import run_job
from ewc_lambda.sequence import base_state, train_first_task
from ewc_lambda.weights import save_state, tensor_digest


def main(snakemake: Any) -> None:
    """Rule train_first_task."""
    bench = Bench.open(snakemake)
    streams = bench.streams()
    base = base_state(bench.problem, *bench.base, len(streams))
    state, omegas = train_first_task(
        bench.problem, base, streams, bench.config["importance"], progress_log(bench.problem, 1)
    )
    file_digest = save_state(
        snakemake.output.weights, bench.problem.layout, state.theta, state.buffers, omegas
    )
    # Steps name the state and the importance that they start from, not the file: another measure
    # in it is nothing to them.
    digests = {"weights": file_digest, "state": tensor_digest(state.theta, state.buffers)}
    digests |= {f"omega/{name}": tensor_digest(omega) for name, omega in omegas.items()}
    run = bench.run(state, {"trial": bench.trial, "reference": "first_task"})
    bench.write(snakemake.output.record, run, digests)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
