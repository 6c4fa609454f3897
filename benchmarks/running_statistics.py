"""What batch normalization's running statistics, which no penalty holds, do to an earlier task.

    python benchmarks/running_statistics.py [--epochs 10] [--replicates 3]

Digits, then digits with their grey values inverted, a head for each, `small_cnn`, the exact Fisher
information. Accuracy of the first task after it was trained and after the second, then that with
the first task's statistics put back; accuracy of the second task; the measure. Two minutes on one
core.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from sklearn.datasets import load_digits

from ewc_lambda.config.study_config import resolve
from ewc_lambda.learning.members import Samples
from ewc_lambda.learning.sequence import (
    base_state,
    members_of,
    run_sequence,
    train_first_task,
    with_importance,
)
from ewc_lambda.learning.training import Problem, Settings
from ewc_lambda.networks.models import Layout, build_network, draw_weights, flat_state
from ewc_lambda.results.runs import Run, introductions
from ewc_lambda.seeding import Stream, trial_generator

LAMBDAS = (0.0, 1e3, 1e6, 1e9)
WAYS = (("batch", "updated"), ("batch", "first_task"), ("group", "updated"))
HELD_OUT = 547


def problem(normalization: str, statistics: str, epochs: int) -> Problem:
    digits = load_digits()
    x = torch.from_numpy(digits.images[..., None] / 16).float()
    y = torch.from_numpy(digits.target)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(x)))
    parts = order[HELD_OUT:], order[:HELD_OUT]
    splits = [[Samples(x[p], y[p]), Samples(1 - x[p], y[p])] for p in parts]
    config = resolve({"model": "small_cnn", "normalization": normalization})
    network = build_network(config, (1, 8, 8), [10, 10])
    draw_weights(network, trial_generator(1, 0, "weights"))
    settings = Settings(
        epochs=epochs,
        batch_size=16,
        learning_rate=0.001,
        loss="softmax_cross_entropy",
        evaluations_per_epoch=1,
        importance_samples=None,
        normalize="none",
        terms="separate",
        decay=1.0,
        stacked=False,
        running_statistics=statistics,
    )
    return Problem(network, Layout.of(network), *splits, settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--replicates", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    streams = [Stream(1, 0, replicate, ()) for replicate in range(given.replicates)]
    print("normalization statistics   lambda  task 1: after it  at the end  (put back)  task 2  M")
    for normalization, statistics in WAYS:
        of = problem(normalization, statistics, given.epochs)
        base = base_state(of, *flat_state(of.network, of.layout), given.replicates)
        first, omegas = train_first_task(of, base, streams, ["fisher"])
        held = with_importance(of, first, omegas["fisher"])
        for value in LAMBDAS:
            lambdas = torch.full((given.replicates,), value)
            end = run_sequence(of, held, streams, lambdas, "fisher")
            accuracy = torch.stack(end.history.accuracy).mean(dim=1)
            own = members_of(of, end.theta, first.buffers)
            put_back = own.evaluate(of.selection[0], of.network.route(0, 1))[1].mean()
            loss = torch.stack(end.history.loss, dim=1).double().numpy()
            introduced = introductions(2, given.epochs, 1)
            run = Run(loss, loss, loss[..., 0], np.array(end.history.epoch), introduced, {}, {})
            after = accuracy[given.epochs, 0]
            print(
                f"{normalization:13} {statistics:10} {value:8.0e}  {after:16.3f}"
                f"  {accuracy[-1, 0]:10.3f}  {put_back:10.3f}  {accuracy[-1, 1]:6.3f}"
                f"  {run.measure.mean():.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
