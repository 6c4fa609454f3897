"""Training a scout: one replicate of a base model at lambdas over many decades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ewc_lambda.jobs.open_trial import OpenTrial, later_stages, progress_log
from ewc_lambda.learning.device import as_fits
from ewc_lambda.learning.sequence import State, concatenated, run_sequence
from ewc_lambda.results.criteria import MEASURE
from ewc_lambda.seeding import step_branch


def scout_measures(snakemake: Any, lambdas: Sequence[float]) -> tuple[list[float], dict[str, str]]:
    """Measures (S,) of one replicate at some lambdas (S,), and the digests of what was used."""
    importance = snakemake.wildcards.importance
    opened = OpenTrial.open(snakemake, later_stages(snakemake.params.config))
    whole, digests = opened.start(snakemake, importance)
    start = concatenated([whole.rows(slice(1))] * len(lambdas))
    streams = opened.streams(step_branch(f"scout {importance}", 0, 0))[:1] * len(lambdas)
    values = torch.tensor(lambdas, dtype=torch.float32, device=opened.problem.device)
    log = progress_log(opened.problem, opened.problem.tasks, start.stage)

    def train(part: slice) -> State:
        own = start.rows(part), streams[part], values[part]
        return run_sequence(opened.problem, *own, importance, progress=log)

    state = concatenated(as_fits(len(lambdas), train))
    run = opened.run(state, {"trial": opened.trial, "importance": importance})
    judged = run.judged(snakemake.params.config.get("select_by", MEASURE))
    return judged.tolist(), {**opened.origin, **digests}
