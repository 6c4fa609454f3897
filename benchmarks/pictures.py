"""Peak memory and time of the jobs of a data set of 60,000 colour pictures of 32 x 32.

    python benchmarks/pictures.py [--importance-samples 2000]

Random pictures of ten classes, five a task, small_cnn, an epoch a task. The job of a first task,
and one of a lambda step, each in a program of its own, from reading the prepared data on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def peak() -> float:
    """MiB, of this program alone: what getrusage says holds what its parent had, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def write_data(path: str) -> None:
    import numpy as np

    from ewc_lambda.data.prepared import write_prepared
    from ewc_lambda.data.scenarios import Scenario, Task

    generator = np.random.default_rng(0)
    sizes = {"train": 17500, "validation": 7500, "test": 5000}
    tasks = [
        Task(
            str(number),
            tuple("01234"),
            5,
            {
                split: (
                    generator.integers(256, size=(count, 3, 32, 32), dtype=np.uint8),
                    np.arange(count) % 5,
                )
                for split, count in sizes.items()
            },
        )
        for number in range(2)
    ]
    scenario = Scenario(tuple(tasks), "classification", (3, 32, 32), 1 / 255, {})
    write_prepared(path, scenario, {"code_sha256": "", "config": {}})


def train(path: str, job: str, importance_samples: int) -> None:
    import torch

    import ewc_lambda.jobs.steps  # noqa: F401  what a job imports
    from ewc_lambda.config.study_config import resolve
    from ewc_lambda.data.prepared import read_prepared
    from ewc_lambda.learning.device import open_device
    from ewc_lambda.learning.problems import build_problem
    from ewc_lambda.learning.sequence import base_state, run_sequence, train_first_task
    from ewc_lambda.networks.models import draw_weights, flat_state
    from ewc_lambda.seeding import Stream, trial_generator

    torch.set_num_threads(1)
    chosen = {"model": "small_cnn", "epochs": 1, "batch_size": 32}
    config = resolve({**chosen, "importance_samples": importance_samples})
    open_device(config)  # deterministic, as in a job
    first = job == "first"
    stages = range(1) if first else range(1, 2)
    prepared = read_prepared(
        path, lambda task, split: split == "validation" or (split == "train" and task in stages)
    )
    problem = build_problem(config, prepared, stages)
    draw_weights(problem.network, trial_generator(1, 0, "weights"))
    begin = time.process_time()
    state, streams = (
        base_state(problem, *flat_state(problem.network, problem.layout), 1),
        [Stream(1, 0, 0, ())],
    )
    if first:
        train_first_task(problem, state, streams, ["fisher"])
    else:
        state.stage = 1
        run_sequence(problem, state, streams, torch.tensor([10.0]), "fisher")
    print(f"{job:6s} {peak():6.0f} MiB {time.process_time() - begin:6.1f} CPU s of training")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--importance-samples", type=int, default=2000)
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        train(*given.job, given.importance_samples)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/data.h5"
        write_data(path)
        for job in ("first", "step"):
            samples = ["--importance-samples", str(given.importance_samples)]
            command = [sys.executable, __file__, "--job", path, job, *samples]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
