"""One lambda step of the published set-up: where its time goes, and what others need for it.

    python benchmarks/lambda_step.py [--data-folder FOLDER] [--share 0.1] [--turns 3]
        [--precision float32]

Two tasks of three digits, the original's network, batches of 32, exact Fisher. Ours, a plain
PyTorch loop with a DataLoader in both memory formats, and Avalanche's EWC (in a virtual
environment that this command makes, beside the torch that is installed here) take turns on one
core: an epoch of each task on a share of MNIST (random images of its shape where it is absent).
From the CPU seconds of each part follow those of the whole step: 10 epochs, all samples.
Ratios are medians over turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from shared.plain import PlainStep
from shared.published import EPOCHS, LAMBDA, prepare, published

from ewc_lambda.learning import sequence, training
from ewc_lambda.learning.adam import Adam
from ewc_lambda.learning.device import open_device
from ewc_lambda.learning.members import Members
from ewc_lambda.learning.penalty import Penalty
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.learning.training import Problem
from ewc_lambda.networks.models import draw_weights, flat_state
from ewc_lambda.networks.weights import save_state
from ewc_lambda.results.runs import Run, introductions, write_run
from ewc_lambda.seeding import Stream, trial_generator
from ewc_lambda.store.provenance import provenance

Seconds = dict[str, float]

PARTS: Sequence[tuple[Any, str, str]] = (
    (Members, "backward", "forward and backward"),
    (Members, "evaluate", "evaluation"),
    (Penalty, "add_gradient", "penalty"),
    (Adam, "step", "optimizer"),
    (training, "_importance", "importance"),
    (sequence, "train_stage", "stage"),
)


class Ours:
    """Runs both tasks with streams of their own, and takes the CPU seconds of each part of each
    task.
    """

    def __init__(self, problem: Problem, config: dict[str, Any]) -> None:
        self._problem = problem
        self._config = config
        self.seconds: dict[int, Seconds] = {}
        self._now: Seconds = defaultdict(float)
        for owner, name, part in PARTS:
            setattr(owner, name, self._timed(getattr(owner, name), part))

    def _timed(self, inner: Callable[..., Any], part: str) -> Callable[..., Any]:
        def outer(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            result = inner(*args, **kwargs)
            self._now[part] += time.process_time() - start
            if part == "stage":
                parts = dict(self._now)
                own = parts.pop("stage") - sum(parts.values())
                self.seconds[len(self.seconds)] = {"drawing batches, the rest": own, **parts}
                self._now.clear()
            return result

        return outer

    def run(self, turn: int) -> list[float]:
        """Task losses at the end."""
        problem = self._problem
        draw_weights(problem.network, trial_generator(1, turn, "weights"))
        theta, buffers = flat_state(problem.network, problem.layout)
        base = sequence.base_state(problem, theta, buffers, 1)
        self.seconds.clear()
        self._now.clear()
        lambdas = torch.tensor([LAMBDA])
        stream = Stream(1, turn, 0, (1,))
        state = sequence.run_sequence(problem, base, [stream], lambdas, "fisher")
        start = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            save_state(f"{folder}/step.safetensors", problem.layout, state.theta, state.buffers)
            loss, accuracy, penalty = (
                torch.stack(values, dim=1).double().numpy()
                for values in (state.history.loss, state.history.accuracy, state.history.penalty)
            )
            introduced = introductions(2, problem.settings.epochs, 1)
            epoch = np.array(state.history.epoch)
            run = Run(loss, accuracy, penalty, epoch, introduced, {}, {})
            write_run(f"{folder}/step.h5", run, provenance("", self._config, torch=torch))
        self.seconds[1]["writing"] = time.process_time() - start
        return state.history.loss[-1][0].tolist()


def start_up() -> float:
    """CPU seconds until a step's program has imported what it needs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import ewc_lambda.jobs.steps"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def whole(seconds: Seconds, share: float) -> Seconds:
    """From one epoch on a share of the samples to the published number of epochs on all."""
    once = ("start-up", "writing")
    epochs = {part: 1 if part == "importance" else EPOCHS for part in seconds}
    return {
        part: value if part in once else value * epochs[part] / share
        for part, value in seconds.items()
    }


def avalanche(folder: Path) -> list[str]:
    """The command that starts Python with Avalanche, whose environment is made if it is not
    there. It sees the packages of this one, so that both run on the same torch.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing Avalanche in {folder}", flush=True)
        venv.create(folder, with_pip=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        own = folder / "lib" / version / "site-packages" / "study.pth"
        own.write_text(sysconfig.get_path("purelib") + "\n")
        pinned = f"torch=={torch.__version__.partition('+')[0]}"
        install = [python, "-m", "pip", "install", "--quiet", "avalanche-lib==0.6.0", pinned]
        subprocess.run(install, check=True)
    return [str(python), "-W", "ignore", str(Path(__file__).with_name("avalanche_step.py"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-folder", default="data", help="where the MNIST files lie")
    parser.add_argument("--share", type=float, default=0.1, help="of the samples (0 to 1)")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--precision", default="float32", help="of ours; others take float32")
    parser.add_argument("--avalanche", type=Path, default=Path(".venv-avalanche"))
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    config = published(given.data_folder, 1, None) | {"precision": given.precision}
    open_device(config)  # deterministic, as in a job
    prepared, data = prepare(config, given.share)
    problem = build_problem(config, prepared)
    train, test = (
        [(x.contiguous(), y) for x, y in (samples.take(slice(None)) for samples in split)]
        for split in (problem.train, problem.selection)
    )
    command = avalanche(given.avalanche)

    ours = Ours(problem, config)
    formats = {
        "plain loop, channels_last": torch.channels_last,
        "plain loop, default layout": torch.contiguous_format,
    }
    samples = 50  # of importance: that of the plain loops is not compared here
    steps: dict[str, list[Seconds]] = defaultdict(list)
    losses: dict[str, list[list[float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        arrays = {
            f"{split}_{kind}{task}": tensor.numpy()
            for split, pairs in (("train", train), ("test", test))
            for task, pair in enumerate(pairs)
            for kind, tensor in zip("xy", pair, strict=True)
        }
        np.savez(f"{folder}/data.npz", **arrays)
        for turn in range(given.turns):
            losses["ours"].append(ours.run(turn))
            first, second = (whole(ours.seconds[task], given.share) for task in (0, 1))
            steps["ours"].append(second | {"start-up": start_up()})
            steps["first task"].append(first)
            for name, layout in formats.items():
                torch.manual_seed(turn)
                plain = PlainStep(train, test, layout)
                plain.run(1, LAMBDA, samples)
                losses[name].append(plain.losses)
                steps[name].append(whole({"training": plain.seconds["training"]}, given.share))
            done = subprocess.run(
                [*command, f"{folder}/data.npz", "1", str(LAMBDA)],
                stdout=subprocess.PIPE,
                check=True,
                env={**os.environ, "PYTHONPATH": ""},
            )
            steps["Avalanche 0.6.0"].append(whole(json.loads(done.stdout), given.share))

    median = statistics.median
    print(f"data: {data}, {len(train[1][0])} training samples a task; one core, one thread;")
    print(f"CPU s of a whole step: {EPOCHS} epochs, all samples; medians of {given.turns} turns")
    print("\nours, the first task shared by a trial's steps")
    own = [sum(step.values()) for step in steps["ours"]]
    for part in steps["ours"][0]:
        value = median([step[part] for step in steps["ours"]])
        print(f"  {part:28}{value:8.2f}{100 * value / median(own):7.1f}%")
    print(f"  {'whole step':28}{median(own):8.2f}")
    once = [sum(step.values()) for step in steps["first task"]]
    weighed = median([step["importance"] for step in steps["first task"]])
    print(f"  {'once a trial: first task':28}{median(once):8.2f}, importance {weighed:.2f} of it")
    both = [one + other for one, other in zip(own, once, strict=True)]
    print(
        "\nothers, who train both tasks in each step: CPU s, and how many times that of our step,"
    )
    print("and of our step with a first task of its own (randomness: independent): median of the")
    print("ratios of each turn (and their range)")
    for name, found in steps.items():
        if name in ("ours", "first task"):
            continue
        totals = [sum(step.values()) for step in found]
        what = name + (", training only" if "plain" in name else "")
        print(f"  {what:44}{median(totals):7.1f}", end="")
        for steps_of_ours in (own, both):
            ratios = [total / step for total, step in zip(totals, steps_of_ours, strict=True)]
            print(f"{median(ratios):7.2f} ({min(ratios):.2f} to {max(ratios):.2f})", end="")
        print()
    print("\ntask losses at the end, after an epoch a task (mean and standard error over turns)")
    for name, values in losses.items():
        array = np.array(values)
        spread = array.std(axis=0, ddof=1) if len(array) > 1 else np.full(array.shape[1], np.nan)
        error = spread / np.sqrt(len(array))
        print(
            f"{name:28}"
            + "".join(
                f"  {m:.4f} +- {e:.4f}" for m, e in zip(array.mean(axis=0), error, strict=True)
            )
        )


if __name__ == "__main__":
    main()
