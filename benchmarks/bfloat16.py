"""An update of the published network in bfloat16 against float32, on one thread of a CPU.

    python benchmarks/bfloat16.py [--data-folder FOLDER] [--batches 32 128 256] [--turns 5]

A gradient, the penalty's, and a step of Adam, in turns; CPU milliseconds are medians over the
turns, ratios the medians of each turn's. ``ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16`` leaves AMX out of
it where there is one, ``AVX512_CORE`` all that computes in bfloat16.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from shared.published import prepare, published

from ewc_lambda.data.prepared import Prepared
from ewc_lambda.learning.adam import Adam
from ewc_lambda.learning.device import bfloat16_units, open_device
from ewc_lambda.learning.members import Members, Part
from ewc_lambda.learning.penalty import Penalty, Term
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.networks.models import draw_weights, flat_state
from ewc_lambda.seeding import trial_generator

UPDATES = 30
PRECISIONS = ("float32", "bfloat16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data-folder", default="data", help="where the MNIST files lie")
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 128, 256])
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = published(given.data_folder, 1, 100)
    open_device(config)
    prepared, name = prepare(config, 0.1)
    print(f"original_cnn, {name}; units for bfloat16: {', '.join(bfloat16_units()) or 'none'}")
    print("batch   float32  bfloat16  ratio")
    for batch in given.batches:
        seen = [
            [
                run(prepared, config | {"batch_size": batch, "precision": each})
                for each in PRECISIONS
            ]
            for _ in range(given.turns)
        ]
        slow, fast = map(statistics.median, zip(*seen, strict=True))
        ratio = statistics.median(a / b for a, b in seen)
        print(f"{batch:5d} {slow:7.2f} ms {fast:6.2f} ms {ratio:6.2f}")


def run(prepared: Prepared, config: dict[str, object]) -> float:
    """CPU milliseconds of an update."""
    problem = build_problem(config, prepared)
    draw_weights(problem.network, trial_generator(1, 0, "weights"))
    theta, buffers = (each[None] for each in flat_state(problem.network, problem.layout))
    settings = problem.settings
    members = Members(
        problem.network,
        problem.layout,
        theta,
        buffers,
        settings.loss,
        stacked=False,
        bfloat16=settings.bfloat16,
    )
    optimizer = Adam(members.theta, members.gradient, settings.learning_rate)
    shared = members.gradient[:, : problem.layout.shared]
    term = Term(torch.ones_like(members.shared), members.shared.clone())
    penalty = Penalty(torch.full((1,), 10.0), [term])
    samples, route = problem.train[1], problem.network.route(1, 1)
    drawn = torch.randint(len(samples), (UPDATES + 3, 1, settings.batch_size))
    begin = 0.0
    for number, rows in enumerate(drawn):
        if number == 3:
            begin = time.process_time()
        members.backward([Part(*samples.take(rows), route)])
        penalty.add_gradient(members.shared, shared)
        optimizer.step()
    return 1e3 * (time.process_time() - begin) / UPDATES


if __name__ == "__main__":
    main()
