"""What a run prints: how far it is, what went wrong, and its answer at the end.

Snakemake's log file keeps every line; this stands between Snakemake and the terminal alone.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

OWN = "ewc_lambda"
"""Attribute of a record that is a line of this project's own."""

# Of their end a line of progress is printed.
_WITH_PROGRESS = ("train_step", "decide_round")
# A moment each, and many of them.
_SMALL = ("make_grid", "collect_search", "all", "study", "figures", "tables")
_EVENTS = {
    LogEvent.WORKFLOW_STARTED,
    LogEvent.JOB_STARTED,
    LogEvent.JOB_FINISHED,
    LogEvent.PROGRESS,
    LogEvent.RESOURCES_INFO,
    LogEvent.RULEGRAPH,
}
# How subprocess says that a job was interrupted, before its script began and after.
_OF_CTRL_C = (f"died with {signal.SIGINT!r}", f"exit status {128 + signal.SIGINT}.")
# By their beginnings: Snakemake marks them by nothing else.
_LINES = (
    "Building DAG of jobs",
    "Using shell: ",
    "Provided cores: ",
    "Provided resources: ",
    "Rules claiming more threads",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Select jobs to execute",
    "Updating checkpoint dependencies",
    "DAG of jobs will be updated",
    "Will exit after finishing currently running jobs",
    "Shutting down, this might take some time",
    "Terminating processes on user request",
    "Exiting because a job execution failed",
    "Complete log(s): ",
    "Elapsed time: ",
)

_IDLE = "Nothing to be done"


def own_line(text: str, level: int = logging.INFO) -> logging.LogRecord:
    """A record of this project's own."""
    return logging.makeLogRecord(
        {"msg": text, "levelno": level, "levelname": logging.getLevelName(level), OWN: True}
    )


class Screen(logging.Handler):
    """Takes the place of the ``plain`` handler that writes to the terminal, and hands on to it what
    a person wants to see. ``idle`` is called when Snakemake has found nothing to do.
    """

    def __init__(self, plain: logging.Handler, idle: Callable[[], None]) -> None:
        super().__init__()
        self.name = plain.name
        self._plain, self._idle = plain, idle
        self._interrupted = self._ended = False

    def interrupt(self) -> None:
        """Say nothing of jobs that end because the user ended the run."""
        self._interrupted = True

    @property
    def interrupted(self) -> bool:
        """Whether the user ended the run."""
        return self._interrupted

    def end(self, lines: Iterable[str]) -> None:
        """Print the last lines of the run, once. What is said after them is in the log file."""
        if self._ended:
            return
        self._plain.handle(own_line("\n".join(lines)))
        self._ended = True

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record as it is, shorter, or not at all."""
        if self._ended:
            return
        if record.levelno >= logging.ERROR and _ended_by_ctrl_c(record.getMessage()):
            # A job's end may come to its thread before the key comes to Snakemake. Who interrupts a
            # single job is told the same.
            self.interrupt()
        text = _shown(record, self._interrupted)
        if text is None:
            self._plain.handle(record)
            if str(record.msg).startswith(_IDLE):
                self._idle()
        elif text:
            self._plain.handle(own_line(text, record.levelno))

    def flush(self) -> None:
        """Write out what is kept back."""
        self._plain.flush()


def _ended_by_ctrl_c(text: str) -> bool:
    return any(words in text for words in _OF_CTRL_C)


def _shown(record: logging.LogRecord, interrupted: bool) -> str | None:
    """What is printed of a record: None for all of it."""
    said: Mapping[str, Any] = record.__dict__
    event = said.get("event")
    if OWN in said:
        return None
    if event == LogEvent.JOB_INFO:
        return _job(said)
    if event == LogEvent.RUN_INFO:
        return _plan(said)
    if event in _EVENTS or (event is None and str(record.msg).startswith(_LINES)):
        return ""
    if interrupted:
        return ""
    if event == LogEvent.JOB_ERROR:
        return _failed(said)
    return None


def _job(said: Mapping[str, Any]) -> str:
    """A job that begins."""
    if said["rule_name"].startswith((*_WITH_PROGRESS, *_SMALL)):
        return ""
    return str(said.get("rule_msg") or said["rule_name"])


def _plan(said: Mapping[str, Any]) -> str:
    """How much there is to do, as far as it is known."""
    jobs = (said.get("stats") or {}).get("total")
    more = "; more follow from what the search finds" if _searches(said) else ""
    return f"{jobs} jobs are planned{more}." if jobs else ""


def _searches(said: Mapping[str, Any]) -> bool:
    return any(str(rule).startswith("decide_") for rule in said.get("stats") or {})


def _failed(said: Mapping[str, Any]) -> str:
    """A job that failed: which one, where its log is, and what a cluster says of it."""
    logs = ", ".join(said.get("log") or [])
    lines = [f"Failed: {said['rule_name']}" + (f" (log: {logs})" if logs else "")]
    lines += [str(said["rule_msg"])] if said.get("rule_msg") else []
    lines += [f"{name}: {value}" for name, value in (said.get("aux") or {}).items()]
    return "\n    ".join(lines)
