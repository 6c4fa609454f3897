"""The command ``ewc-lambda COMMAND``, and ``python -m ewc_lambda COMMAND``, which is the same."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from ewc_lambda.errors import StudyError

ABOUT = "What there is to do with a study beside running it. snakemake runs it, or make study."
# Each is a module of this package, with `configure` for its arguments and `run`.
COMMANDS = {
    "summary": "print the answer of a study, or how far an unfinished one is",
    "report": "write one page with all of a study, called after it",
    "analyse": "say what a table of your own runs says: the best lambda, and how sure it is",
    "verify": "check every file of a study against the digests recorded when it was made",
    "pack": "pack a study into one file",
    "unpack": "unpack such a file, to draw its figures and tables",
    "import-published": "turn published (lambda, measure) lists into a study file",
    "noise": "draw the figure of the noise study from two study files",
    "findings": "write docs/findings.md and docs/figures.md from results/reference",
    "replications": "write docs/replications.md from replications/ and results/reference",
    "config-table": "write the tables of config/README.md from the schema",
}
USAGE, FAILED = 2, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit status: 1 with one message for what is wrong with a study or
    a file. SystemExit with status 2 for a wrong command line.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="ewc-lambda", description=ABOUT)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, line in COMMANDS.items():
        described = commands.add_parser(
            name, help=line, description=f"{line[0].upper()}{line[1:]}."
        )
        if given[:1] == [name]:
            # The others' imports would cost their time for nothing.
            module = import_module(f"ewc_lambda.command.{name.replace('-', '_')}")
            module.configure(described)
    options = parser.parse_args(given)
    if options.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    try:
        status = int(module.run(options) or 0)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever reads, `head` perhaps, has read enough. Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (StudyError, OSError) as error:
        # What the machine refuses (a full disk, a folder of another's) is told in its own words.
        print(f"ewc-lambda {options.command}: {error}", file=sys.stderr)
        return FAILED
