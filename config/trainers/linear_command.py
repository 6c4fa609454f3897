"""A program that trains by itself: the example of `trainer_command` (docs/your-trainer.md).

Two linear regressions of the same inputs, one after the other, by gradient descent; the second is
held to the first's weights by EWC. It writes the loss of both tasks after each epoch.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

EPOCHS, SAMPLES, INPUTS, RATE = 20, 200, 10, 0.05


def sample(generator, weights):
    """Inputs, and noisy targets of a linear function."""
    x = generator.normal(size=(SAMPLES, INPUTS)) * np.geomspace(0.3, 1.5, INPUTS)
    return x, x @ weights + 0.5 * generator.normal(size=SAMPLES)


def main():
    """Train both tasks at one lambda."""
    parser = argparse.ArgumentParser()
    for name, kind in (("lambda", float), ("seed", int), ("base-seed", int), ("out", str)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    given = vars(parser.parse_args())
    base, own = (np.random.default_rng(given[name]) for name in ("base_seed", "seed"))
    # What the tasks are hangs on the trial, which samples are drawn on the replicate.
    first = base.normal(size=INPUTS)
    truths = first, first + 0.7 * base.normal(size=INPUTS)
    tasks, held_out = ([sample(own, truth) for truth in truths] for _ in range(2))
    weights, rows = np.zeros(INPUTS), []
    anchor, omega = np.zeros(INPUTS), np.zeros(INPUTS)
    for x, y in tasks:
        # The step is short enough for the strongest penalty, whose solution is taken in one.
        for _ in range(EPOCHS):
            slope = x.T @ (x @ weights - y) / SAMPLES
            pull = given["lambda"] * omega
            weights = (weights - RATE * slope + RATE * pull * anchor) / (1 + RATE * pull)
            rows.append([float(np.mean((a @ weights - b) ** 2)) / 2 for a, b in held_out])
        # The Fisher information of a Gaussian of unit variance.
        anchor, omega = weights.copy(), np.mean(x**2, axis=0)
    with Path(given["out"]).open("w", newline="") as out:
        csv.writer(out).writerows([["first", "second"], *rows])


if __name__ == "__main__":
    main()
