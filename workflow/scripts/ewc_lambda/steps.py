"""Training lambda steps and reference lines, from a job's inputs to its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ewc_lambda.bench import Bench, progress_log
from ewc_lambda.finished import Finished
from ewc_lambda.jobs import logger
from ewc_lambda.seeding import step_branch
from ewc_lambda.sequence import NO_IMPORTANCE, concatenated, run_sequence
from ewc_lambda.step_files import Step


def train_steps(snakemake: Any, grid: Mapping[str, Any], steps: Sequence[Step]) -> None:
    """Train some steps of a round and write their records and weights.

    Members that are stacked train all lambdas in one program; looped ones train a step after the
    other, and each that is finished is kept, should the job be killed before the last.
    """
    measure, round_ = grid["importance"], grid["round"]
    bench = Bench.open(snakemake, first_stage=1 if _shares(snakemake) else 0)
    start, digests = bench.start(snakemake, measure)
    log = progress_log(bench.problem, bench.problem.tasks, start.stage)
    finished = Finished(bench, digests)
    labels = {
        step.number: {
            "trial": bench.trial,
            "importance": measure,
            "round": round_,
            "step": step.number,
            "lambda": grid["lambdas"][step.number],
        }
        for step in steps
    }
    waiting = [step for step in steps if not finished.take(step, labels[step.number])]
    if bench.problem.settings.stacked and waiting:
        # The bits of a member may depend on how many train together: all again, or none.
        groups = [list(steps)]
    else:
        groups = [[step] for step in waiting]
    for group in groups:
        values = [labels[step.number]["lambda"] for step in group]
        logger.info("train lambda = %s", ", ".join(f"{value:.6g}" for value in values))
        branches = [step_branch(measure, round_, step.number) for step in group]
        streams = [stream for branch in branches for stream in bench.streams(branch)]
        replicates = len(streams) // len(group)
        lambdas = torch.tensor(values, dtype=torch.float32).repeat_interleave(replicates)
        together = concatenated([start] * len(group))
        state = run_sequence(bench.problem, together, streams, lambdas, measure, progress=log)
        for place, step in enumerate(group):
            own = state.rows(slice(place * replicates, (place + 1) * replicates))
            run = bench.run(own, labels[step.number])
            if len(steps) > 1:
                finished.put(step, run, own)
            else:
                bench.write(step.record, run, digests | bench.save(step.weights, own))
    if len(steps) > 1:
        finished.place(steps)


def train_reference(snakemake: Any) -> None:
    """Train a reference line of a trial and evaluate it, once, on the test split too."""
    name = snakemake.wildcards.reference
    bench = Bench.open(snakemake)
    streams = bench.streams(step_branch(name, 0, 0))
    start, digests = bench.start(snakemake, None)
    lambdas = torch.zeros(len(streams))
    log = progress_log(bench.problem, bench.problem.tasks, start.stage)
    state = run_sequence(
        bench.problem, start, streams, lambdas, NO_IMPORTANCE, joint=name == "joint", progress=log
    )
    run = bench.run(state, {"trial": bench.trial, "reference": name, "lambda": 0.0})
    tested = bench.tested(run, state.theta, state.buffers)
    digests |= bench.save(snakemake.output.get("weights"), state)
    bench.write(snakemake.output.record, tested, digests)


def _shares(snakemake: Any) -> bool:
    return bool(snakemake.params.config["randomness"] == "common")
