"""An update of stacked members of the default network: batched products against `torch.func.vmap`.

    python benchmarks/update.py [--members 1 10 20 90] [--turns 5]

Both ways compute the gradient of a batch, add the penalty's and take a step of Adam, on one thread,
in turns; and evaluate a task. CPU milliseconds are medians over the turns, ratios the medians of
each turn's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from unittest import mock

import torch
from shared.published import as_prepared

from ewc_lambda.config.study_config import load
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.learning import members as members_module
from ewc_lambda.learning.adam import Adam
from ewc_lambda.learning.dense import dense_chain
from ewc_lambda.learning.device import open_device
from ewc_lambda.learning.members import Members, Part
from ewc_lambda.learning.penalty import Penalty, Term
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.learning.training import Problem
from ewc_lambda.networks.models import draw_weights, flat_state
from ewc_lambda.seeding import trial_generator

UPDATES, EVALUATIONS = 200, 20
WAYS = {"batched": dense_chain, "vmap": lambda _: None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=[1, 10, 20, 90])
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = load("config/studies/fixed_digits.yaml")
    open_device(config)
    problem = build_problem(config, as_prepared(build_scenario(config)))
    draw_weights(problem.network, trial_generator(1, 0, "weights"))
    print(f"digits, {problem.layout.size} parameters, batches of {problem.settings.batch_size}")
    print("members    update: vmap  batched  ratio    evaluation: vmap  batched  ratio")
    for count in given.members:
        seen = {way: [run(problem, count, way) for _ in range(given.turns)] for way in WAYS}
        cells = []
        for column in (0, 1):
            old, new = ([turn[column] for turn in seen[way]] for way in ("vmap", "batched"))
            ratio = statistics.median(a / b for a, b in zip(old, new, strict=True))
            cells.append((statistics.median(old), statistics.median(new), ratio))
        update, evaluation = cells
        print(
            f"{count:7d} {update[0]:12.2f} ms {update[1]:5.2f} ms {update[2]:5.1f}"
            f" {evaluation[0]:17.2f} ms {evaluation[1]:5.2f} ms {evaluation[2]:5.1f}"
        )


def run(problem: Problem, count: int, way: str) -> tuple[float, float]:
    """CPU milliseconds of an update and of an evaluation."""
    theta, buffers = (
        each.expand(count, -1) for each in flat_state(problem.network, problem.layout)
    )
    with mock.patch.object(members_module, "dense_chain", WAYS[way]):
        members = Members(
            problem.network, problem.layout, theta, buffers, problem.settings.loss, stacked=True
        )
    optimizer = Adam(members.theta, members.gradient, problem.settings.learning_rate)
    shared = members.gradient[:, : problem.layout.shared]
    term = Term(torch.ones_like(members.shared), members.shared.clone())
    penalty = Penalty(torch.full((count,), 10.0), [term])
    samples, route = problem.train[1], problem.network.route(1, 1)
    drawn = torch.randint(len(samples), (UPDATES, count, problem.settings.batch_size))
    begin = time.process_time()
    for rows in drawn:
        members.backward([Part(*samples.take(rows), route)])
        penalty.add_gradient(members.shared, shared)
        optimizer.step()
    middle = time.process_time()
    for _ in range(EVALUATIONS):
        members.evaluate(problem.selection[1], route)
    end = time.process_time()
    return 1e3 * (middle - begin) / UPDATES, 1e3 * (end - middle) / EVALUATIONS


if __name__ == "__main__":
    main()
