"""The measure of whole runs through tasks whose losses are known beforehand.

With all weights zero every class of K has the probability 1/K, so the loss is log K, and steps too
small to change a float32 sum keep it there. The measure is then a sum of logarithms that can be
counted by hand.
"""

import math

import numpy as np
import pytest
import torch
from builders import streams

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.prepared import read_prepared, write_prepared
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.learning.sequence import base_state, run_sequence
from ewc_lambda.results.runs import Run, introductions

SMALL = {
    "dataset": "digits",
    "hidden": [4],
    "samples_per_task": 20,
    "validation_samples": 10,
    "batch_size": 10,
    "learning_rate": 1e-30,
    "replicates": 2,
}


def measured(tmp_path, **changes):
    """Measures (replicates,) of a study with all weights zero, from the config on."""
    config = resolve({**SMALL, **changes})
    write_prepared(tmp_path / "data.h5", build_scenario(config), {"code_sha256": "c", "config": {}})
    problem = build_problem(config, read_prepared(tmp_path / "data.h5"))
    zero = torch.zeros(problem.layout.size), torch.zeros(problem.layout.buffer_size)
    start = base_state(problem, *zero, config["replicates"])
    state = run_sequence(
        problem, start, streams(config["replicates"]), torch.ones(config["replicates"]), "fisher"
    )
    seen = (state.history.loss, state.history.accuracy, state.history.penalty)
    loss, accuracy, penalty = (torch.stack(values, dim=1).double().numpy() for values in seen)
    per_epoch = config["evaluations_per_epoch"]
    introduced = introductions(problem.tasks, config["epochs"], per_epoch)
    epoch = np.array(state.history.epoch)
    return Run(loss, accuracy, penalty, epoch, introduced, {}, {}).measure


def test_tasks_of_different_numbers_of_classes_with_a_head_each(tmp_path):
    tasks = [[0, 1], [2, 3, 4], [5, 6, 7, 8]]
    found = measured(tmp_path, tasks=tasks, heads="per_task", epochs=2)
    # Three stages of two epochs: a task counts from the first evaluation of its own stage.
    expected = 6 * math.log(2) + 4 * math.log(3) + 2 * math.log(4)
    assert found.tolist() == pytest.approx([expected] * 2, rel=1e-6)


def test_tasks_of_different_numbers_of_classes_with_a_growing_head(tmp_path):
    tasks = [[0, 1], [2, 3, 4], [5, 6, 7, 8]]
    found = measured(tmp_path, tasks=tasks, heads="growing", epochs=2)
    # Every task is told apart among all classes so far: 2, then 5, then 9 of them.
    expected = 1 * 2 * math.log(2) + 2 * 2 * math.log(5) + 3 * 2 * math.log(9)
    assert found.tolist() == pytest.approx([expected] * 2, rel=1e-6)


def test_four_tasks_with_two_evaluations_per_epoch(tmp_path):
    tasks = [[0, 1], [2, 3], [4, 5, 6], [7, 8]]
    found = measured(tmp_path, tasks=tasks, epochs=3, evaluations_per_epoch=2)
    # In epochs: twice as many evaluations, each of which stands for half an epoch.
    expected = 12 * math.log(2) + 9 * math.log(2) + 6 * math.log(3) + 3 * math.log(2)
    assert found.tolist() == pytest.approx([expected] * 2, rel=1e-6)
