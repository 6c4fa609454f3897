"""A scratch copy of the project in which a small study is run, disturbed and run again."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml
from forked import can_fork, forked

ROOT = Path(__file__).parents[2]
# How often each random fault is tried: few in `make test`, 20 for docs/reliability.md.
TRIES = int(os.environ.get("FAULT_TRIES", "2"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
# A training job of this study takes about two seconds, most of them to start.
SMALL = {
    "study": "small",
    "trials": 1,
    "hidden": [8],
    "epochs": 2,
    "replicates": 2,
    "steps": 4,
    "max_rounds": 2,
}
# A run of a scratch study that takes longer hangs; on SLURM most of it is waiting.
LIMIT = 600


@dataclass(frozen=True)
class Done:
    """How a run of Snakemake ended: exit status, all that it printed, and how often each job
    finished, by its message.
    """

    status: int
    text: str
    jobs: Counter[str]


class Scratch:
    """A project folder of its own, with the study of ``config`` as its default."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The copy's own library and no installed one, and no repository around the copy.
        self.environment = {
            "PYTHONPATH": str(folder / "workflow/scripts"),
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
        }
        self.arguments = ["--cores", "2"]

    @classmethod
    def create(cls, folder: Path, **config: Any) -> Scratch:
        """Copy the project's files and set the study's config over `SMALL`."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            if name.split("/")[0] in {"tests", "docs", "results", ".ci"}:
                continue
            if (ROOT / name).is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target, follow_symlinks=False)
        # Figures are not what is tested, and take longer than the study.
        (folder / "workflow/rules/figures.smk").write_text("FIGURES = []\nTABLES = []\n")
        scratch = cls(folder)
        scratch.configure(**config)
        return scratch

    def copy(self, folder: Path) -> Scratch:
        """The same project elsewhere, results, times of files and Snakemake's records included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Scratch(folder)

    def blank(self, folder: Path) -> Scratch:
        """The same project elsewhere, before anything was run."""
        made = {"results", ".snakemake", "logs"}
        # The library has a package of results, too.
        shutil.copytree(
            self.folder,
            folder,
            symlinks=True,
            ignore=lambda inside, _: made if Path(inside) == self.folder else set(),
        )
        return Scratch(folder)

    def configure(self, **config: Any) -> None:
        """Set the default study's config."""
        (self.folder / "config/config.yaml").write_text(yaml.safe_dump({**SMALL, **config}))

    @property
    def study(self) -> Path:
        """The study's folder."""
        config = yaml.safe_load((self.folder / "config/config.yaml").read_text())
        return self.folder / "results" / config["study"]

    @property
    def search(self) -> Path:
        """The folder of the first trial's search."""
        return self.study / "trial_0/fisher"

    def start(self, *arguments: str, output: str = "snakemake.out") -> Running:
        """Start Snakemake, in a session of its own as a terminal would."""
        command = [sys.executable, "-m", "snakemake", *self.arguments, *arguments]
        return Running(self, command, output)

    def run(self, *arguments: str) -> Done:
        """Run Snakemake to its end."""
        # With a cluster's executor as its users start it.
        if "--profile" in self.arguments or not can_fork(self.environment, self.folder):
            return self.start(*arguments).wait()
        return Running(self, forked([*self.arguments, *arguments], self.environment)).wait()

    def finish(self) -> Done:
        """Run Snakemake to its end, which must be a good one."""
        done = self.run()
        assert done.status == 0, done.text
        return done

    def unlock(self) -> None:
        """Remove the lock that a killed Snakemake left, as its message tells the user to."""
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--unlock"]
        env = {**os.environ, **self.environment}
        subprocess.run(command, cwd=self.folder, env=env, check=True, capture_output=True)

    def digest(self) -> str:
        """SHA-256 of the study file."""
        return hashlib.sha256((self.study / "study.h5").read_bytes()).hexdigest()

    def finished(self) -> Counter[str]:
        """How often each job finished in all runs so far, from Snakemake's own logs."""
        total: Counter[str] = Counter()
        for log in sorted((self.folder / ".snakemake/log").glob("*.log")):
            total += finished_jobs(log.read_text())
        return total

    def processes(self) -> list[str]:
        """What runs in the project's folder: Snakemake, its jobs and their helper."""
        found = []
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()) == self.folder and process.is_running():
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found

    def leftovers(self) -> list[str]:
        """Unfinished files in the results."""
        return sorted(str(p.relative_to(self.study)) for p in self.study.rglob(".*.part"))


def with_figures(scratch: Scratch) -> Scratch:
    """Let a scratch project draw its figures and write its tables."""
    shutil.copy2(ROOT / "workflow/rules/figures.smk", scratch.folder / "workflow/rules")
    return scratch


class Running:
    """A Snakemake that was started in a scratch project."""

    def __init__(self, scratch: Scratch, command: list[str], output: str = "snakemake.out") -> None:
        self.scratch = scratch
        self.output = scratch.folder / output
        self._before = set(self._logs())
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                command,
                cwd=scratch.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=_by_hand(self.scratch.environment),
                preexec_fn=_hear_ctrl_c,
            )

    def wait(self) -> Done:
        """Wait for its end."""
        try:
            status = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"hangs: {self.output.read_text()}") from None
        return Done(status, self.output.read_text(), finished_jobs(self.log()))

    def log(self) -> str:
        """What Snakemake has logged so far, all of which it prints only where it is asked to."""
        return "".join(path.read_text() for path in self._logs() if path not in self._before)

    def _logs(self) -> list[Path]:
        return sorted((self.scratch.folder / ".snakemake/log").glob("*.log"))

    def scripts(self, prefix: str = "train_") -> list[psutil.Process]:
        """Processes of its jobs whose script begins so."""
        found = []
        try:
            for process in psutil.Process(self.process.pid).children(recursive=True):
                if any(f".{prefix}" in part for part in _command(process)):
                    found.append(process)
        except psutil.NoSuchProcess:
            pass
        return found

    def watch(self, ready: Callable[[], bool]) -> bool:
        """Poll until ``ready``; false if the run ended first."""
        while self.process.poll() is None:
            if ready():
                return True
            time.sleep(0.01)
        return False


def _by_hand(environment: Mapping[str, str]) -> dict[str, str]:
    # `make test` is no `make study`: commands are printed as to who types them.
    return {**{k: v for k, v in os.environ.items() if k != "MAKELEVEL"}, **environment}


def _hear_ctrl_c() -> None:
    # A shell that starts tests in its background lets them, and their children, ignore it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finished_jobs(log: str) -> Counter[str]:
    """How often each job finished according to a log of Snakemake."""
    messages = dict(re.findall(r"^Job (\d+): (.*)$", log, re.MULTILINE))
    ids = re.findall(r"^Finished jobid: (\d+) ", log, re.MULTILINE)
    return Counter(messages[job] for job in ids if job in messages)


def kinds(jobs: Mapping[str, int]) -> Counter[str]:
    """Jobs by what they do, without their numbers."""
    total: Counter[str] = Counter()
    for message, count in jobs.items():
        total[re.sub(r"\d+", "N", message)] += count
    return total


def trained(jobs: Mapping[str, int]) -> list[str]:
    """Messages of the jobs that train."""
    return sorted(message for message in jobs if ": train " in message)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
