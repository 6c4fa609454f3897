"""The jobs of a study that a user's own trainer trains, from their inputs to their outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ewc_lambda.jobs.finished import Finished
from ewc_lambda.jobs.own_trial import OwnTrial, ToTrain, seeds_digest
from ewc_lambda.jobs.run_job import logger
from ewc_lambda.jobs.step_files import Step
from ewc_lambda.results.runs import Run
from ewc_lambda.seeding import step_branch
from ewc_lambda.store.provenance import own_files, provenance
from ewc_lambda.store.records import write_json
from ewc_lambda.store.stamps import digest_of, stamped


def create_base_model(snakemake: Any) -> None:
    """Write a trial's seeds. In the first trial the trainer is tried before anything else is."""
    opened = OwnTrial.open(snakemake)
    if opened.trial == 0:
        logger.info("trying %s: each call twice, with the same seeds", opened.trainer.name)
        opened.check_repeats()
    config = snakemake.params.config
    origin = {**opened.origin, "labels": digest_of({"trial": opened.trial})}
    record = {
        "trial": opened.trial,
        "weights_sha256": seeds_digest(opened),
        "base_seed": opened.base_seed,
        "seeds": [call.seed for call in opened.calls("train", ())],
        **stamped(provenance(snakemake.params.code, config), origin),
        # The user's own files, kept where they cannot be edited away.
        "model_source": [Path(f).read_bytes().decode(errors="replace") for f in own_files(config)],
    }
    write_json(snakemake.output.record, record)


def train_first_task(snakemake: Any) -> None:
    """Call `start` for all replicates of a trial."""
    opened = OwnTrial.open(snakemake)
    starts = opened.starts()
    digests = opened.save_starts(snakemake.output.weights, starts)
    labels = {"trial": opened.trial, "reference": "first_task"}
    opened.write(
        snakemake.output.record, opened.run([start.curves for start in starts], labels), digests
    )


def train_steps(snakemake: Any, grid: Mapping[str, Any], steps: Sequence[Step]) -> None:
    """Train some steps of a round in one process. Each that is finished is kept, should the job or
    the trainer end before the last.
    """
    opened = OwnTrial.open(snakemake)
    keeps: list[Callable[[Run], None]] = []
    waiting: list[ToTrain] = []
    for step in steps:
        labels = {
            "trial": opened.trial,
            "importance": grid["importance"],
            "round": grid["round"],
            "step": step.number,
            "lambda": grid["lambdas"][step.number],
        }
        branch = step_branch(grid["importance"], grid["round"], step.number)
        starts, digests = opened.begin(snakemake, grid["importance"], branch)
        if len(steps) == 1:
            keep = partial(opened.write, step.record, digests=digests)
        else:
            finished = Finished(opened, digests)
            if finished.take(step, labels) is not None:
                continue
            keep = partial(finished.put, step, state=None)
        about = {"value": labels["lambda"], "importance": grid["importance"]}
        keeps.append(keep)
        waiting.append(ToTrain(starts, opened.calls("train", branch, **about), labels))
    if waiting:
        opened.train(waiting, lambda number, run: keeps[number](run))
    if len(steps) > 1:
        Finished(opened, {}).place(steps)


def train_reference(snakemake: Any) -> None:
    """Train a reference line of a trial: lambda = 0, or the trainer's own joint training."""
    opened = OwnTrial.open(snakemake)
    name = snakemake.wildcards.reference
    branch = step_branch(name, 0, 0)
    starts, digests = opened.begin(snakemake, None, branch)
    function = {"finetuning": "train", "joint": "joint"}[name]
    labels = {"trial": opened.trial, "reference": name, "lambda": 0.0}
    line = ToTrain(starts, opened.calls(function, branch), labels)
    opened.train([line], lambda _, run: opened.write(snakemake.output.record, run, digests))
