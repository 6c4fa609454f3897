"""What every script of the workflow does around its work: logging, and ending well or not."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.jobs.agreement import SameCode, check_inputs
from ewc_lambda.jobs.clocks import no_later_than_now
from ewc_lambda.store.replacing import move_aside

logger = logging.getLogger("ewc_lambda")


def run_job(main: Callable[[Any], None], snakemake: Any) -> None:
    """Run a script's ``main`` with the job's ``snakemake`` object, which Snakemake puts among the
    script's globals.

    Everything goes to the rule's log file, tracebacks included. A `StudyError` ends the job with
    its one message. A broken input is moved aside, so that the next run makes it anew; a frozen
    one is left for the user to decide upon. Other exceptions, but those of the machine, are
    faults of the project: the log holds what a report of one needs.
    """
    gc.freeze()  # what the script imported, as in `imports_that_stay`
    logging.basicConfig(
        filename=snakemake.log[0],
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    try:
        # Before it is run and after all of it was read, some of it late.
        code = SameCode(snakemake.params.source, snakemake.params.code)
        code.check()
        no_later_than_now(snakemake.input)
        check_inputs(snakemake.input, snakemake.params.get("config", {}))
        main(snakemake)
        code.check()
    except StudyError as error:
        message = str(error)
        if isinstance(error, BrokenFileError):
            message += _set_aside(error.path)
        logger.error(message)
        sys.exit(f"{snakemake.rule}: {message}")
    except BaseException as error:
        logger.exception("the job ended unexpectedly")
        # A full disk or memory is no fault of the project.
        if isinstance(error, Exception) and not isinstance(error, (OSError, MemoryError)):
            logger.error("%s", _surroundings(snakemake))
            print(
                f"{snakemake.rule}: this is a fault of ewc-lambda. Report it with the study's "
                f"config and {snakemake.log[0]}, which holds the traceback and the versions.",
                file=sys.stderr,
            )
        raise


@contextmanager
def imports_that_stay() -> Iterator[None]:
    """Around the import of torch: nothing of the 250,000 objects that this makes is looked
    through for garbage, neither while they are made nor when the process ends. More than a
    quarter of what a job spends on starting.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _surroundings(snakemake: Any) -> str:
    """What a report of a fault needs besides the traceback and the config."""
    # Imported here: only a job that fails needs it.
    from ewc_lambda.store.provenance import provenance

    # By name: the digest of the code follows imports, and no result depends on the project's face.
    version = import_module("ewc_lambda").__version__
    known = provenance("", {})
    place = ", ".join(f"{name} {value}" for name, value in snakemake.wildcards.items())
    versions = ", ".join(f"{name} {version}" for name, version in known["versions"].items())
    return (
        f"ewc-lambda {version}, revision {known['revision']}, {known['machine']}; {versions}; "
        f"rule {snakemake.rule}{', ' if place else ''}{place}"
    )


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
