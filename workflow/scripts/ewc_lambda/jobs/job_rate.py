"""Snakemake's limit of jobs a second, where it serves nobody."""

from __future__ import annotations

from typing import Any

# Of ``--max-jobs-per-timespan``: jobs, and seconds.
DEFAULT = (100, 1)


def without_limit(workflow: Any) -> None:
    """Let a run on this machine, whose jobs its cores limit, do without Snakemake's default limit.

    For its sake the scheduler looks again a second after each choice of jobs, at nothing that has
    changed, and a run that has ended waits for the last such look.
    """
    limiter = getattr(workflow.scheduler, "job_rate_limiter", None)
    if limiter is not None and (limiter.max_jobs, limiter.timespan) == DEFAULT:
        workflow.scheduler.job_rate_limiter = None
