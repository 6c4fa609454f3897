"""Snakemake's own time per job and peak memory, for studies of many trials.

    python benchmarks/load.py 17 50 170

The workflow is the real one, with its rules, inputs, parameters, checkpoints, logs and benchmark
files; in a copy of the project every script is replaced by a shell command of milliseconds that
copies the outputs from a study that was made up. A study is of one round of 20 steps per trial, as
the original's was.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from shared.fabricated import fabricate

from ewc_lambda.config.study_config import resolve
from ewc_lambda.results.files import Files
from ewc_lambda.upkeep.survey import Survey

ROOT = Path(__file__).parents[1]
COPY = '"for file in {output}; do cp made_up/$file $file; done"'
TICKS = os.sysconf("SC_CLK_TCK")
STUDY = {"study": "load", "steps": 20, "max_rounds": 1, "save_weights": False}


def main() -> None:
    """Command line: see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("trials", type=int, nargs="+", help="numbers of trials, a study each")
    parser.add_argument("--cores", type=int, default=2, help="jobs at a time")
    parser.add_argument("--steps-per-job", default="1", help="as in the config")
    options = parser.parse_args()
    print("trials   jobs   s wall  ms wall/job  ms CPU/job  peak MB  s dry run  s pass")
    for trials in options.trials:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), trials, options.cores, options.steps_per_job)


def measure(folder: Path, trials: int, cores: int, steps_per_job: str) -> None:
    """Run the study of so many trials, look at what it made, and print a line."""
    per_job = steps_per_job if steps_per_job == "round" else int(steps_per_job)
    config = {**STUDY, "trials": trials, "steps_per_job": per_job}
    _copy_with_stand_ins(folder, config)
    wall, cpu, peak, output = _run(folder, cores)
    jobs = int(re.findall(r"(\d+) of \1 steps \(100%\) done", output)[-1])
    again, _, _, nothing = _run(folder, cores, "--dry-run")
    if "Nothing to be done" not in nothing:
        sys.exit(nothing)
    files = Files(resolve(config), folder / "results")
    files.codes()
    begun = time.process_time()
    survey = Survey(files)
    assert all(survey.stands(product) for product in survey.products())
    looked = time.process_time() - begun
    print(
        f"{trials:6d} {jobs:6d} {wall:8.1f} {1000 * wall / jobs:12.1f} {1000 * cpu / jobs:11.1f} "
        f"{peak / 1024:8.0f} {again:10.1f} {looked:7.2f}",
        flush=True,
    )


def _copy_with_stand_ins(folder: Path, config: dict[str, object]) -> None:
    for name in ("Snakefile", "workflow", "profiles", "envs"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config))
    fabricate(Files(resolve(config), folder / "made_up/results"))
    for rules in (folder / "workflow/rules").glob("*.smk"):
        text = re.sub(
            r'script:\n( +)"\.\./scripts/\w+\.py"',
            rf"shell:\n\1{COPY}",
            rules.read_text(),
        )
        rules.write_text(text)
    (folder / "workflow/rules/figures.smk").write_text("FIGURES = []\nTABLES = []\n")


def _run(folder: Path, cores: int, *more: str) -> tuple[float, float, int, str]:
    """Seconds of wall clock, CPU seconds of Snakemake alone, its peak memory in KiB, output."""
    output = folder / "output"
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *more]
    env = {**os.environ, "PYTHONPATH": str(folder / "workflow/scripts")}
    begun = time.monotonic()
    with output.open("w") as file:
        process = subprocess.Popen(
            command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, env=env
        )
    cpu, peak = 0.0, 0
    while process.poll() is None:
        try:
            stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        cpu = (int(stat[11]) + int(stat[12])) / TICKS
        peak = max([peak, *map(int, re.findall(r"VmHWM:\s+(\d+)", status))])
        time.sleep(0.2)
    if process.wait() != 0:
        sys.exit(output.read_text())
    return time.monotonic() - begun, cpu, peak, output.read_text()


if __name__ == "__main__":
    main()
