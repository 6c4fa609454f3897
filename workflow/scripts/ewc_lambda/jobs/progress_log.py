"""A line in Snakemake's output after each lambda step: how far its search and the study are."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from ewc_lambda.jobs.screen import OWN
from ewc_lambda.results.files import Files
from ewc_lambda.results.progress import Standing, read_search, read_searches, study_work


class ProgressLog(logging.Handler):
    """Listens to Snakemake's events, and logs a line where a step or a round is finished.

    Snakemake counts the jobs that it knows; it cannot know the rounds to come. The time left is
    that of all training still expected, at the pace of this run.

    Args:
        files: the study's.
        standing: what of them is this run's; the rest is made anew.
        logger: Snakemake's, to which the lines go; it prints them and keeps them.

    """

    def __init__(self, files: Files, standing: Standing, logger: logging.Logger) -> None:
        super().__init__()
        self._files, self._standing, self._logger = files, standing, logger
        # Of the jobs that run, by Snakemake's number.
        self._searches: dict[int, tuple[int, str]] = {}
        self._states = read_searches(files, standing)
        self._begin = time.monotonic()
        self._done_before = study_work(files, self._states, standing).done

    def emit(self, record: logging.LogRecord) -> None:
        """Take an event of Snakemake; others are none of its business."""
        event = getattr(record, "event", None)
        try:
            if event == LogEvent.JOB_INFO:
                self._note(record.__dict__)
            elif event == LogEvent.JOB_FINISHED:
                search = self._searches.pop(record.__dict__["job_id"], None)
                if search is not None:
                    self._say(*search)
        except Exception:
            # A line that cannot be printed must not end a run.
            self.handleError(record)

    def _note(self, job: Mapping[str, Any]) -> None:
        if job["rule_name"].startswith(("train_step", "decide_round")):
            place = job["wildcards"]
            self._searches[job["jobid"]] = (int(place["trial"]), place["importance"])

    def _say(self, trial: int, name: str) -> None:
        state = read_search(self._files, trial, name, self._standing)
        for place in self._files.searches(self._standing):
            # Trials come up while the study goes on.
            if (key := (place["trial"], place["importance"])) not in self._states:
                self._states[key] = read_search(self._files, *key, self._standing)
        self._states[trial, name] = state
        work = study_work(self._files, self._states, self._standing)
        text = f"Trial {trial}, {name}: {state.text()}. "
        text += f"Study: {work.trained} of about {work.expected} steps"
        pace = (work.done - self._done_before) / (time.monotonic() - self._begin)
        if pace > 0 and work.left > 0:
            text += f", about {in_words(work.left / pace)} of training left"
        self._logger.info(text + ".", extra={OWN: True})


def in_words(seconds: float) -> str:
    """A duration as a person says it: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
