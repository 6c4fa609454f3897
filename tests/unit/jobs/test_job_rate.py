"""The limit of jobs a second, on one machine."""

from types import SimpleNamespace

import pytest
from snakemake.cli import get_argument_parser
from snakemake.scheduling.job_scheduler import JobRateLimiter
from snakemake.settings.types import MaxJobsPerTimespan

from ewc_lambda.jobs.job_rate import without_limit


def limiter_after(limiter):
    workflow = SimpleNamespace(scheduler=SimpleNamespace(job_rate_limiter=limiter))
    without_limit(workflow)
    return workflow.scheduler.job_rate_limiter


def test_the_limit_that_nobody_asked_for_goes():
    default = get_argument_parser().get_default("max_jobs_per_timespan")
    assert limiter_after(JobRateLimiter(MaxJobsPerTimespan.parse_choice(default))) is None


@pytest.mark.parametrize("asked", ["1/1s", "100/1m", "99/1s"])
def test_a_limit_that_was_asked_for_stays(asked):
    limiter = JobRateLimiter(MaxJobsPerTimespan.parse_choice(asked))
    assert limiter_after(limiter) is limiter


def test_no_limit_is_none():
    assert limiter_after(None) is None
