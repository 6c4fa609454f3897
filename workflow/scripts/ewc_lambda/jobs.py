"""What every script of the workflow does around its work: logging, and ending well or not."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ewc_lambda.errors import StudyError
from ewc_lambda.records import BrokenFileError, move_aside

logger = logging.getLogger("ewc_lambda")


def run_job(main: Callable[[Any], None], snakemake: Any) -> None:
    """Run a script's ``main`` with the job's ``snakemake`` object, which Snakemake puts among the
    script's globals.

    Everything goes to the rule's log file, tracebacks included. A `StudyError` ends the job with
    its one message. A broken input is moved aside, so that the next run makes it anew; a frozen
    one is left for the user to decide upon.
    """
    logging.basicConfig(
        filename=snakemake.log[0],
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    try:
        main(snakemake)
    except StudyError as error:
        message = str(error)
        if isinstance(error, BrokenFileError):
            message += _set_aside(error.path)
        logger.error(message)
        sys.exit(f"{snakemake.rule}: {message}")
    except BaseException:
        logger.exception("the job ended unexpectedly")
        raise


def is_frozen(path: Path) -> bool:
    """Whether a file belongs to a base model, which only its user may replace."""
    return path.name.startswith("base_model.")


def _set_aside(path: Path) -> str:
    if is_frozen(path):
        return (
            ". The base model of this trial is frozen and everything in its folder depends on it: "
            f"restore it from a copy, or remove the folder {path.parent} and run the same command "
            "again to train the trial anew."
        )
    if not path.exists():
        return ". Run the same command again: it is made anew."
    aside = move_aside(path)
    return f". It was moved to {aside}; run the same command again: it is made anew."
