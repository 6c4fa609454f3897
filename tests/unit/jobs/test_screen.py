"""What of Snakemake's lines a person sees."""

import logging
import signal
import subprocess

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from ewc_lambda.jobs.screen import OWN, Screen
from ewc_lambda.jobs.termination import hear_ctrl_c


class Run:
    """A logger with a screen, and a log file that keeps everything."""

    def __init__(self):
        self.logger = logging.Logger("snakemake")
        self.printed, self.kept, self.idle = [], [], 0
        plain, file = logging.Handler(), logging.Handler()
        plain.emit = lambda record: self.printed.append(record.getMessage())
        file.emit = lambda record: self.kept.append(record.getMessage())
        self.screen = Screen(plain, self._idle)
        self.logger.addHandler(self.screen)
        self.logger.addHandler(file)

    def _idle(self):
        self.idle += 1

    def job(self, rule, message):
        job = {"event": LogEvent.JOB_INFO, "rule_name": rule, "rule_msg": message}
        self.logger.info("a job of many lines", extra=job)


@pytest.fixture
def run():
    return Run()


def test_a_job_is_a_line_and_its_file_keeps_all(run):
    run.job("train_first_task", "Trial 0: train the first task")
    run.logger.info("ends", extra={"event": LogEvent.JOB_FINISHED, "job_id": 1})
    run.logger.info("Select jobs to execute...")
    assert run.printed == ["Trial 0: train the first task"]
    assert len(run.kept) == 3


def test_steps_are_told_by_their_progress(run):
    run.job("train_step", "Trial 0: train lambda step 1")
    run.logger.info("1 of 4 steps", extra={OWN: True})
    assert run.printed == ["1 of 4 steps"]


def test_what_is_not_known_is_printed(run):
    run.logger.info("Job 3 has been submitted with SLURM jobid 7")
    run.logger.warning("moved to results/x/set_aside/1")
    assert len(run.printed) == 2


@pytest.mark.parametrize(
    ("rules", "more"), [({"decide_round": 1}, "; more follow"), ({"make_tables": 1}, "planned.")]
)
def test_a_plan_says_whether_it_is_all(run, rules, more):
    stats = {**rules, "total": 12}
    run.logger.info("a table", extra={"event": LogEvent.RUN_INFO, "stats": stats})
    assert run.printed[0].startswith("12 jobs are planned")
    assert more in run.printed[0]


def test_a_failed_job_names_its_log(run):
    failed = {"event": LogEvent.JOB_ERROR, "rule_name": "train_step", "log": ["logs/a.log"]}
    failed |= {"rule_msg": "status OUT_OF_MEMORY", "aux": {"external_jobid": 7}}
    run.logger.error("many lines", extra=failed)
    assert run.printed == [
        "Failed: train_step (log: logs/a.log)\n    status OUT_OF_MEMORY\n    external_jobid: 7"
    ]


def test_jobs_that_the_user_ended_did_not_fail(run):
    run.screen.interrupt()
    run.logger.error("x", extra={"event": LogEvent.JOB_ERROR, "rule_name": "r", "log": []})
    run.logger.error("RuleException")
    assert run.printed == []
    assert run.screen.interrupted


@pytest.mark.parametrize("status", [-signal.SIGINT, 130])
def test_a_job_whose_end_comes_before_the_key_was_ended_by_the_user(run, status):
    error = subprocess.CalledProcessError(status, "set -euo pipefail; python job.py")
    run.logger.error("RuleException:\n%s", error)
    run.logger.error(
        "Error in rule", extra={"event": LogEvent.JOB_ERROR, "rule_name": "train_step"}
    )
    assert run.printed == []
    assert run.screen.interrupted


@pytest.mark.parametrize("status", [-signal.SIGKILL, 1, 13])
def test_a_job_that_ended_otherwise_failed(run, status):
    run.logger.error("%s", subprocess.CalledProcessError(status, "python job.py"))
    assert len(run.printed) == 1
    assert not run.screen.interrupted


def test_nothing_is_printed_below_the_answer(run):
    run.screen.end(["the answer"])
    run.logger.info("Complete log(s): somewhere")
    run.logger.error("At least one job did not complete successfully.")
    run.screen.end(["again"])
    assert run.printed == ["the answer"]


def test_a_run_with_nothing_to_do_is_told_of(run):
    run.logger.info("Nothing to be done (all requested files are present and up to date).")
    assert run.idle == 1
    assert run.printed


def test_ctrl_c_is_told_before_it_is_heard():
    heard, before = [], signal.signal(signal.SIGINT, lambda *_: heard.append("snakemake"))
    try:
        hear_ctrl_c(lambda: heard.append("screen"))
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == ["screen", "snakemake"]
