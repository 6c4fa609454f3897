"""The share of a study's CPU time that goes into starting its jobs: of the default one, or another.

    python benchmarks/start_up.py [--study config/studies/fixed_digits.yaml]
        [--steps-per-job 1] [--turns 5]

The whole study is run in a copy of the project, and the CPU time of Snakemake and all its jobs is
taken. A start is what a job's process does before and after its work: Python, what Snakemake puts
before a script, the script's imports, and the end of the process. As many jobs of each kind that do
nothing are then started, through a helper as in the study, and its imports count as well; with
EWC_LAMBDA_WARM=0 each by itself, for which the median over turns stands. A step that repeats one of
an earlier round imports no torch by itself, and is counted as if it did.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from ewc_lambda.jobs.warm.starts import (
    CLIENT,
    SWITCH,
    begin_helper,
    end_helper,
    of_one_thread,
)

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "workflow/scripts")}
# As Snakemake 9 writes before a script, then the script's own imports and run_job's first line.
START = "import pickle, snakemake.logging, snakemake.iocontainers, {script}, gc; gc.freeze()"
LATE = {
    "train_steps": "from ewc_lambda.jobs.run_job import imports_that_stay\n"
    "with imports_that_stay():\n    import ewc_lambda.jobs.steps",
}


def main() -> None:
    """Command line: see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--study", default="config/config.yaml", help="its config")
    parser.add_argument("--steps-per-job", default="1", help="as in the config")
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        total, jobs = run_study(Path(folder), given.study, given.steps_per_job)
    print(f"the whole study: {total:.0f} CPU s, {sum(jobs.values())} jobs")
    if os.environ.get(SWITCH) == "0":
        starts = by_themselves(jobs, given.turns)
    else:
        starts = through_a_helper(jobs)
    print(f"starts: {starts:.1f} CPU s, {100 * starts / total:.0f}% of the study's")


def by_themselves(jobs: Counter[str], turns: int) -> float:
    """CPU seconds of the starts of so many jobs, each a process that imports everything."""
    starts = 0.0
    print(f"{'script':20s}  jobs  CPU s a start")
    for script, count in sorted(jobs.items()):
        each = statistics.median(start(script) for _ in range(turns))
        starts += count * each
        print(f"{script:20s} {count:5d} {each:14.2f}")
    return starts


def through_a_helper(jobs: Counter[str]) -> float:
    """CPU seconds of as many starts through one helper, with its own imports."""
    before = used()
    with tempfile.TemporaryDirectory() as name, mock.patch.dict(os.environ, ENVIRONMENT):
        folder = Path(name, "helper")
        folder.mkdir()
        helper = begin_helper(folder)
        for script, count in jobs.items():
            job = Path(name, f"tmp.{script}.py")
            job.write_text(START.format(script=script))
            client = [sys.executable, "-I", "-S", str(CLIENT), str(folder / "socket"), script]
            for _ in range(count):
                command = [*client, sys.executable, str(job)]
                subprocess.run(command, env=of_one_thread(os.environ), check=True)
        end_helper(helper, folder)
    return used() - before


def run_study(folder: Path, study: str, steps_per_job: str) -> tuple[float, Counter[str]]:
    """CPU seconds of the study of a config, and how many jobs ran each script."""
    for name in ("Snakefile", "workflow", "profiles", "envs", "config"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--configfile", study]
    config = ["--config", f"steps_per_job={steps_per_job}"]
    seconds = cpu_of([*command, *config], folder)
    # What Snakemake prints names no jobs that went well; its log does.
    (log,) = (folder / ".snakemake/log").glob("*.snakemake.log")
    finished = re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", log.read_text(), re.MULTILINE)
    jobs = Counter(filter(None, map(script_of, finished)))
    if not jobs:
        sys.exit(f"no job in the log of Snakemake: {log.read_text()[-2000:]}")
    return seconds, jobs


def script_of(rule: str) -> str | None:
    """The script of a rule, which has its name but for these; None for rules without."""
    for script, prefix in (("draw_figure", "draw_"), ("train_steps", "train_step")):
        if rule.startswith(prefix):
            return script
    return rule if (ROOT / f"workflow/scripts/{rule}.py").exists() else None


def start(script: str) -> float:
    """CPU seconds of a process that starts a script and does nothing."""
    code = "\n".join(filter(None, [START.format(script=script), LATE.get(script)]))
    return cpu_of([sys.executable, "-c", code], ROOT / "workflow/scripts")


def cpu_of(command: Sequence[str], folder: Path) -> float:
    """CPU seconds of a command and all that it started."""
    before = used()
    env = {**os.environ, "PYTHONPATH": str(folder / "workflow/scripts")}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return used() - before


def used() -> float:
    """CPU seconds of all processes that have ended and were waited for."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


if __name__ == "__main__":
    main()
