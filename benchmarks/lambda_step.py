"""What one lambda step of the published set-up costs, and how it compares with a plain loop.

    python benchmarks/lambda_step.py [--data-folder FOLDER] [--epochs 10]

Training (the original's network, batches of 32, penalty included) is timed against two plain
PyTorch loops over the same tensors in memory, one with channels_last and one with the default
memory layout, in turns of some batches in one process on one thread: ratios are medians over
turns, in CPU seconds, and so hold on a machine that has other work. The penalty of the plain loops
goes through autograd. Without the MNIST files random images of the same shape serve.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from ewc_lambda.adam import Adam
from ewc_lambda.config import resolve
from ewc_lambda.errors import StudyError
from ewc_lambda.importance import normalized
from ewc_lambda.members import Members, Part
from ewc_lambda.models import draw_weights, flat_state
from ewc_lambda.penalty import Penalty, Term
from ewc_lambda.prepared import Prepared, TaskInfo
from ewc_lambda.problems import build_problem
from ewc_lambda.scenarios import build_scenario
from ewc_lambda.seeding import Stream, trial_generator
from ewc_lambda.sequence import base_state, run_sequence
from ewc_lambda.training import Problem

BATCH = 32
LAMBDA = 15.0


def published(folder: str, epochs: int, samples: int | None) -> dict[str, Any]:
    return resolve(
        {
            "dataset": "mnist",
            "data_folder": folder,
            "tasks": [[0, 1, 2], [3, 4, 5]],
            "samples_per_task": samples,
            "validation_fraction": 0.1,
            "selection_split": "test",
            "model": "original_cnn",
            "loss": "binary_cross_entropy",
            "epochs": epochs,
            "batch_size": BATCH,
            "replicates": 1,
            "randomness": "independent",
            "spacing": "linear",
            "low_range": [0, 0],
            "high_range": [10, 20],
        }
    )


def prepare(config: dict[str, Any]) -> tuple[Prepared, str]:
    try:
        scenario = build_scenario(config)
    except StudyError as error:
        print(f"no MNIST ({error}); random images of the same shape instead")
        return synthetic(config["samples_per_task"] or 16600), "random images"
    tasks = tuple(TaskInfo(t.name, t.classes, t.outputs) for t in scenario.tasks)
    splits = [task.splits for task in scenario.tasks]
    shape = scenario.input_shape
    return Prepared(tasks, scenario.kind, shape, scenario.scale, splits, ""), "MNIST"


def synthetic(samples: int) -> Prepared:
    rng = np.random.default_rng(1)

    def split(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (n, 1, 28, 28), dtype=np.uint8), rng.integers(0, 3, n)

    sizes = {"train": samples, "validation": samples // 9, "test": 3000}
    splits = [{name: split(n) for name, n in sizes.items()} for _ in range(2)]
    tasks = tuple(TaskInfo(name, ("a", "b", "c"), 3) for name in ("0", "1"))
    return Prepared(tasks, "classification", (1, 28, 28), 1 / 255, splits, "")


class Ours:
    """Batches of our training: gradient of the loss, penalty, optimizer step."""

    def __init__(self, problem: Problem, theta: torch.Tensor, buffers: torch.Tensor) -> None:
        self.problem = problem
        settings = problem.settings
        self.members = Members(
            problem.network, problem.layout, theta[None], buffers[None], settings.loss, False
        )
        shared = self.members.shared
        term = Term(normalized(torch.rand_like(shared), "mean"), shared.clone())
        self.penalty = Penalty(torch.tensor([LAMBDA]), [term])
        self.optimizer = Adam(self.members.theta, self.members.gradient, settings.learning_rate)

    def __call__(self, rows: torch.Tensor) -> None:
        x, y = self.problem.train[1].take(rows[None])
        self.members.backward([Part(x, y, self.problem.network.route(1, 1))])
        shared = self.problem.layout.shared
        self.penalty.add_gradient(self.members.shared, self.members.gradient[:, :shared])
        self.optimizer.step()


class Plain:
    """The same in the plainest PyTorch, with the data in memory."""

    def __init__(self, problem: Problem, memory_format: torch.memory_format) -> None:
        from ewc_lambda.models import build_network

        config = {"model": "original_cnn", "heads": "per_task"}
        outputs = problem.network.outputs
        self.network = build_network(config, (1, 28, 28), outputs)
        draw_weights(self.network, trial_generator(1, 0, "weights"))
        self.network = self.network.to(memory_format=memory_format)
        x, self.y = problem.train[1].take(slice(None))
        self.x = x.contiguous(memory_format=memory_format)
        self.format = memory_format
        self.trunk = list(self.network.trunk.parameters())
        self.anchors = [p.detach().clone() for p in self.trunk]
        self.omegas = [torch.rand_like(p) for p in self.trunk]
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        self.loss = nn.BCEWithLogitsLoss()

    def __call__(self, rows: torch.Tensor) -> None:
        x = self.x[rows].contiguous(memory_format=self.format)
        labels = nn.functional.one_hot(self.y[rows], 3).float()
        loss = self.loss(self.network(x, 1, 3), labels)
        terms = zip(self.trunk, self.anchors, self.omegas, strict=True)
        loss = loss + LAMBDA / 2 * sum((o * (p - a) ** 2).sum() for p, a, o in terms)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def in_turns(
    contenders: dict[str, Callable[[torch.Tensor], None]], samples: int, turns: int, batches: int
) -> dict[str, list[float]]:
    """CPU seconds per batch of each contender, a list over turns."""
    generator = torch.Generator().manual_seed(1)
    rows = torch.randint(0, samples, (batches, BATCH), generator=generator)
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(turns + 1):
        for name, contender in contenders.items():
            start = time.process_time()
            for batch in rows:
                contender(batch)
            if turn:  # the first warms up
                seconds[name].append((time.process_time() - start) / batches)
    return seconds


def whole_step(problem: Problem, theta: torch.Tensor, buffers: torch.Tensor) -> dict[str, float]:
    """Wall and CPU seconds of one lambda step as the published set-up trains it: both tasks from
    the base model, Fisher in between, evaluation of both after every epoch.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    stream = Stream(1, 0, 0, (1,))
    base = base_state(problem, theta, buffers, 1)
    run_sequence(problem, base, [stream], torch.tensor([LAMBDA]), "fisher")
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-folder", default="data", help="where the MNIST files lie")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of the whole step")
    parser.add_argument("--samples", type=int, help="training samples per task (all)")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--batches", type=int, default=30, help="batches in a turn")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = published(given.data_folder, given.epochs, given.samples)
    prepared, data = prepare(config)
    problem = build_problem(config, prepared)
    draw_weights(problem.network, trial_generator(1, 0, "weights"))
    theta, buffers = flat_state(problem.network, problem.layout)
    step = whole_step(problem, theta, buffers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    ours = Ours(problem, theta, buffers)
    seconds = in_turns(
        {
            "ours": ours,
            "plain, channels_last": Plain(problem, torch.channels_last),
            "plain, default layout": Plain(problem, torch.contiguous_format),
        },
        len(problem.train[1]),
        given.turns,
        given.batches,
    )
    start = time.process_time()
    for task, samples in enumerate(problem.selection):
        ours.members.evaluate(samples, problem.network.route(task, 1))
    evaluation = time.process_time() - start
    per_batch = statistics.median(seconds["ours"])
    epoch = per_batch * -(-len(problem.train[1]) // BATCH)

    print(f"data: {data}, {len(problem.train[1])} training samples of task 2, one thread")
    print(
        f"one lambda step, {given.epochs} epochs a task: {step['wall']:.0f} s wall, "
        f"{step['cpu']:.0f} s CPU, peak memory {peak:.0f} MiB"
    )
    for name, values in seconds.items():
        pairs = zip(seconds["ours"], values, strict=True)
        ratio = statistics.median(own / other for own, other in pairs)
        print(
            f"{name:22} {1e3 * statistics.median(values):6.1f} ms CPU a batch, "
            f"ours / this {ratio:.2f}"
        )
    print(
        f"evaluation of both tasks: {evaluation:.2f} s CPU, {100 * evaluation / epoch:.1f}% of "
        f"an epoch of training"
    )


if __name__ == "__main__":
    main()
