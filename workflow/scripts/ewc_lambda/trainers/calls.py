"""Calls of a trainer: of a file's functions, or of a command, in a process of their own.

A process of its own, so that a trainer may crash, be killed, fork, change the working folder, print
megabytes or need another Python, and the job still says what happened. One process makes all calls
of a job, since most of what a call costs is often the import of its framework.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ewc_lambda.errors import StudyError
from ewc_lambda.trainers import worker
from ewc_lambda.trainers.heard import Heard
from ewc_lambda.trainers.outputs import read_losses

Arrays = dict[str, np.ndarray]
Data = Callable[[Path], None]
Take = Callable[[int, Arrays], None]

PLACES = ("lambda", "seed", "base_seed", "trial", "replicate", "importance", "device", "output")
"""What `trainer_command` may name in braces."""


@dataclass(frozen=True)
class Call:
    """One call: the function start, train or joint of a trial's replicate, with its seeds; a
    command knows train alone. ``value`` is lambda, ``start`` what the function start returned.
    """

    function: str
    trial: int
    replicate: int
    seed: int
    base_seed: int
    importance: str | None = None
    value: float = 0.0
    start: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __str__(self) -> str:
        at = f" at lambda = {self.value:.6g}" if self.function == "train" else ""
        return f"{self.function}{at} of trial {self.trial}, replicate {self.replicate}"


@dataclass(frozen=True)
class Trainer:
    """A user's trainer: the ``file`` or the ``command`` of a study's config, and the Python that
    runs the file. ``config`` is told to it, ``tasks`` are their names, ``write_data`` writes their
    samples to a folder, to be taken times ``scale``; ``threads`` are those of a job.
    """

    config: Mapping[str, Any]
    tasks: Sequence[str]
    scale: float
    write_data: Data
    threads: int
    logger: logging.Logger

    @property
    def name(self) -> str:
        """What messages call it."""
        if self.config["trainer"] is not None:
            return f"trainer: {self.config['trainer']}"
        return f"trainer_command: {self.config['trainer_command']}"

    def run(self, calls: Sequence[Call], take: Take = lambda *_: None) -> list[Arrays]:
        """Make some calls, in order, in one process; what each returned, by name. ``take`` is
        given the number of a call and what it returned as soon as it is done.

        Raises:
            StudyError: one failed; says which, and the line.

        """
        found: list[Arrays] = []
        with tempfile.TemporaryDirectory(prefix="ewc-lambda-") as made:
            folder = Path(made)
            self._write(folder, calls)

            def collect() -> None:
                while (folder / f"{len(found)}.done").exists():
                    found.append(self._returned(folder, len(found)))
                    take(len(found) - 1, found[-1])

            words = [self._python(), str(worker.__file__), f"{folder}/calls.json"]
            status = self._process(words, collect)
            collect()
            if status != 0:
                raise StudyError(self._failed(folder, calls, len(found), status))
        return found

    def _python(self) -> str:
        own = self.config["trainer_python"]
        return sys.executable if own is None else str(Path(own).absolute())

    def _write(self, folder: Path, calls: Sequence[Call]) -> None:
        """Write what the process reads. Calls that start from the same arrays share their file."""
        file, data = self.config["trainer"], folder / "data"
        data.mkdir()
        if file is not None:
            self.write_data(data)
        starts: dict[int, str] = {}
        told = []
        for number, call in enumerate(calls):
            at = starts.setdefault(id(call.start), f"{folder}/start_{len(starts)}.npz")
            if not Path(at).exists():
                worker.save(Path(at), call.start)
            command = self._command(call, folder / str(number)) if file is None else None
            told.append(
                {
                    "function": call.function,
                    "trial": call.trial,
                    "replicate": call.replicate,
                    "importance": call.importance,
                    "seed": call.seed,
                    "base_seed": call.base_seed,
                    "lambda": call.value,
                    "start": at,
                    "command": command,
                }
            )
        job = {
            "file": None if file is None else str(Path(file).absolute()),
            "config": dict(self.config),
            "tasks": list(self.tasks),
            "data": str(data),
            "scale": self.scale,
            "calls": told,
        }
        (folder / "calls.json").write_text(json.dumps(job))

    def _command(self, call: Call, output: Path) -> list[str]:
        values = {
            "lambda": repr(call.value),
            "seed": call.seed,
            "base_seed": call.base_seed,
            "trial": call.trial,
            "replicate": call.replicate,
            "importance": call.importance or "",
            "device": self.config["device"],
            "output": output,
        }
        words = shlex.split(self.config["trainer_command"])
        place = re.compile(r"\{(" + "|".join(PLACES) + r")\}")
        return [place.sub(lambda found: str(values[found[1]]), word) for word in words]

    def _returned(self, folder: Path, number: int) -> Arrays:
        if self.config["trainer"] is None:
            return read_losses(folder / str(number), self.name)
        return worker.read(folder / f"{number}.npz")

    def _process(self, words: Sequence[str], meanwhile: Callable[[], None]) -> int:
        """Run a program to its end, with what it says in the log; its status, negative for a
        signal. Nothing that it started outlives it.
        """
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self.threads))
        own = str(Path(__file__).parents[2])
        paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        kept = os.pathsep.join(path for path in paths if path not in ("", own))
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **threads, "PYTHONPATH": kept},
            )
        except OSError as error:
            raise StudyError(
                f"trainer_python: {words[0]} cannot be started ({error.strerror})"
            ) from None
        try:
            Heard(self.logger).listen(process, meanwhile)
        finally:
            _kill_all(process)
        return process.wait()

    def _failed(self, folder: Path, calls: Sequence[Call], done: int, status: int) -> str:
        """What is said of a process that failed after some calls were done."""
        told = folder / "error.json"
        if told.exists():
            error = json.loads(told.read_text())
            number = error["call"]
            where = f", line {error['line']}" if error["line"] is not None else ""
            doing = f" (in {calls[number]})" if number >= 0 else ""
            return f"{self.name}{where}: {error['text']}{doing}"
        doing = f"in {calls[done]}" if done < len(calls) else "at its end"
        if status < 0:
            name = signal.Signals(-status).name
            memory = ", as the machine does when memory runs out" * (name == "SIGKILL")
            return f"{self.name}: its process was ended by {name}{memory}, {doing}"
        return f"{self.name}: its process ended with status {status}, {doing}"


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
