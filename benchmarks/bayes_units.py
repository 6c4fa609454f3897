"""Why the best lambda lies far above Bayes' value: an explanation, and a test that could refute it.

    python benchmarks/bayes_units.py

The explanation: the longer the first task is trained, the surer the network is of its training
samples, and the smaller their Fisher information; what new samples of the task lose when weights
move does not shrink with it. Then lambda to use rises with the epochs as much as the Fisher
information falls, and their product stays. It is refuted where lambda stays and the product falls.
Runs the default study's set-up on digits, five trials for each number of epochs, in one process.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

# A study in one process, as tests run it.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests/makers"))
import in_process

from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.reporting.recommendation import Recommendation

EPOCHS = (3, 10, 30, 90)
TRIALS = 5
CONFIG = {
    "study": "bayes_units",
    "trials": TRIALS,
    "tasks": [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]],
    "samples_per_task": None,
    "hidden": [64, 32],
    "batch_size": 16,
    "replicates": 2,
    "references": [],
    "select_by": "final_loss",
    "low_range": [0.1, 0.3],
    "high_range": [100000, 300000],
    "steps": 13,
    "steps_per_job": "round",
    "max_rounds": 1,
    "first_trials": None,
    "save_weights": False,
}


def study(epochs: int) -> tuple[np.ndarray, Recommendation]:
    """Sum of the Fisher information over all shared weights, of each trial and in the mean over its
    replicates, and what the study recommends.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = in_process.files_of(Path(folder), {**CONFIG, "epochs": epochs})
        in_process.run(files)
        sums = []
        for trial in range(TRIALS):
            weights = load_file(files.product("first_task", trial=trial).weights or "")
            own = [t.double() for n, t in weights.items() if n.startswith("importance/")]
            # (replicates, ...) each.
            sums.append(float(np.mean(sum(t.flatten(1).sum(1) for t in own).numpy())))
        (answer,) = answer_study(open_study(files.record("study")))
        return np.array(sums), answer.recommendation


def main() -> None:
    logging.disable(logging.WARNING)
    started = time.process_time()
    print("| epochs | Fisher information, sum | lambda to use | product |\n|---|---|---|---|")
    for epochs in EPOCHS:
        sums, found = study(epochs)
        size, use = float(np.exp(np.log(sums).mean())), found.use
        ends = [f"{value:.3g}" for value in (use.estimate, use.low, use.high)]
        product = [f"{size * value:.3g}" for value in (use.estimate, use.low, use.high)]
        print(
            f"| {epochs} | {size:.3g} | {ends[0]} ({ends[1]} to {ends[2]}) "
            f"| {product[0]} ({product[1]} to {product[2]}) |",
            flush=True,
        )
    print(f"{time.process_time() - started:.0f} CPU s")


if __name__ == "__main__":
    main()
