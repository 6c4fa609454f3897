"""Members trained together against one by one: digits, 8 replicates of 20 lambdas.

    python benchmarks/members.py [--epochs 1] [--turns 5]

Both ways of `members` (stacked, looped) train the second task of the default study, penalty and
evaluation included, from the same first task on one thread, in turns. The ratio is the median over
turns of ratios of CPU seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from shared.published import as_prepared

from ewc_lambda.config.study_config import load
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.learning.device import open_device
from ewc_lambda.learning.members import stack_by_default
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.learning.sequence import (
    State,
    base_state,
    concatenated,
    run_sequence,
    train_first_task,
    with_importance,
)
from ewc_lambda.networks.models import draw_weights, flat_state
from ewc_lambda.seeding import Stream, trial_generator

REPLICATES = 8
LAMBDAS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = load("config/studies/fixed_digits.yaml") | {"epochs": given.epochs}
    open_device(config)  # deterministic, as in a job
    prepared = as_prepared(build_scenario(config))
    problems = {
        members: build_problem(config | {"members": members}, prepared)
        for members in ("stacked", "looped")
    }
    problem = problems["stacked"]
    draw_weights(problem.network, trial_generator(1, 0, "weights"))
    theta, buffers = flat_state(problem.network, problem.layout)
    streams = [Stream(1, 0, replicate, ()) for replicate in range(REPLICATES)]
    base = base_state(problem, theta, buffers, REPLICATES)
    state, omegas = train_first_task(problem, base, streams, ["fisher"])
    start = concatenated([with_importance(problem, state, omegas["fisher"])] * LAMBDAS)
    values = np.geomspace(1, 1e6, LAMBDAS)
    lambdas = torch.tensor(values, dtype=torch.float32).repeat_interleave(REPLICATES)

    def train(members: str) -> tuple[float, State]:
        begin = time.process_time()
        end = run_sequence(problems[members], start, streams * LAMBDAS, lambdas, "fisher")
        return time.process_time() - begin, end

    seconds = []
    for _ in range(given.turns):
        (together, stacked), (apart, looped) = train("stacked"), train("looped")
        seconds.append((together, apart))
    difference = ((stacked.theta - looped.theta).abs().max() / looped.theta.abs().max()).item()
    ratio = statistics.median(apart / together for together, apart in seconds)
    together, apart = (statistics.median(found) for found in zip(*seconds, strict=True))
    chosen = "stacked" if stack_by_default(problem.network, torch.device("cpu")) else "looped"
    print(f"digits, {REPLICATES} replicates x {LAMBDAS} lambdas, {given.epochs} epochs, one thread")
    print(f"stacked  {together:7.2f} s CPU")
    print(f"looped   {apart:7.2f} s CPU, {ratio:.1f} times")
    print(f"largest difference of a weight at the end: {difference:.1e} of the largest weight")
    print(f"members: auto takes {chosen} members for this network on a CPU")


if __name__ == "__main__":
    main()
