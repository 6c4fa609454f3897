"""A lambda that a later round meets again is not trained again.

With common random numbers the result would be the same to the bit, so the record and the weights
of the earlier step are taken over.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from typing import Any

from ewc_lambda.errors import BrokenFileError
from ewc_lambda.jobs.run_job import logger
from ewc_lambda.jobs.step_files import Step
from ewc_lambda.results.runs import read_run, trial_origin, write_run
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.records import file_digest, read_json
from ewc_lambda.store.replacing import replacing


def repeat_step(snakemake: Any, grid: Mapping[str, Any], step: Step) -> bool:
    """Take a step over from an earlier round, if one trained the same lambda.

    Returns:
        Whether there was one; if so, the step's files are written.

    """
    value = grid["lambdas"][step.number]
    trained = [
        (earlier["round"], number, known)
        for earlier in map(read_json, snakemake.input.get("earlier_grids") or ())
        for number, known in enumerate(earlier["lambdas"])
    ]
    place = next((n for n, (_, _, known) in enumerate(trained) if known == value), None)
    if place is None:
        return False
    round_, number, _ = trained[place]
    run = read_run(
        snakemake.input.earlier_steps[place],
        **{
            "trial": grid["trial"],
            "importance": grid["importance"],
            "round": round_,
            "step": number,
            "lambda": value,
        },
        **trial_origin(snakemake.input, grid["importance"]),
    )
    labels = {**run.labels, "round": grid["round"], "step": step.number}
    params = snakemake.params
    if step.weights is not None:
        _copy(snakemake.input.earlier_weights[place], step.weights, run.origin)
    same = dataclasses.replace(run, labels=labels)
    origin = provenance(params.code, params.config)
    # It was computed where it was trained, not where it is taken over.
    write_run(step.record, same, {**origin, "arithmetic": run.arithmetic})
    logger.info("lambda = %.6g was trained in round %d: taken over", value, round_)
    return True


def _copy(source: str, target: str, origin: Mapping[str, str]) -> None:
    if file_digest(source) != origin["weights"]:
        raise BrokenFileError(source, "its SHA-256 is not the one that its step recorded")
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
