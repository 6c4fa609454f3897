"""Trainers of one's own that need numpy alone, for the tests of what the workflow makes of them."""

from __future__ import annotations

from pathlib import Path

# The measure is lowest at lambda = 100, but for the replicate's own shift in decades; at lambda = 0
# it is that of 10 ** -2.
TRAINER = '''"""A trainer with a known best lambda."""

import numpy as np


def start(context):
    own = np.random.default_rng(context.seed)
    shift = 0.1 * own.normal()
    losses = np.ones((context.config["epochs"], len(context.tasks)))
    return {"shift": np.array(shift), "losses": losses}


def train(context, lam, start):
    rows = (len(context.tasks) - 1) * context.config["epochs"]
    x = np.log10(lam) if lam > 0 else -2.0
    height = 1 + 0.1 * (x - 2 - float(start["shift"])) ** 2
    losses = np.full((rows, len(context.tasks)), height)
    return losses, 1 / (1 + losses)
'''
# The same, without a start: each run trains the first task, too.
WHOLE = """
import numpy as np


def train(context, lam, start):
    assert start == {}
    rows = len(context.tasks) * context.config["epochs"]
    x = np.log10(lam) if lam > 0 else -2.0
    shift = 0.1 * np.random.default_rng(context.seed).normal()
    return {"losses": np.full((rows, len(context.tasks)), 1 + 0.1 * (x - 2 - shift) ** 2)}
"""
JOINT = """

def joint(context, start):
    return np.full(((len(context.tasks) - 1) * context.config["epochs"], len(context.tasks)), 0.5)
"""
# What `trainer_command` starts.
COMMAND = """
import argparse
import json
import math
import random

parser = argparse.ArgumentParser()
parser.add_argument("--lambda", type=float, dest="value")
parser.add_argument("--seed", type=int)
parser.add_argument("--out")
given = parser.parse_args()
x = math.log10(given.value) if given.value > 0 else -2.0
shift = 0.1 * random.Random(given.seed).gauss(0, 1)
loss = 1 + 0.1 * (x - 2 - shift) ** 2
with open(given.out, "w") as out:
    json.dump({"losses": [[loss, loss]] * 6}, out)
"""
# A study of them that takes moments.
OWN = {
    "study": "own",
    "dataset": "own",
    "tasks": ["first", "second"],
    "trials": 1,
    "epochs": 3,
    "replicates": 3,
    "steps": 5,
    "max_rounds": 1,
    "low_range": [1, 1],
    "high_range": [10000, 10000],
}


def written(folder: Path, text: str, name: str = "mine.py") -> str:
    """The path of a trainer that was written to a folder."""
    path = folder / name
    path.write_text(text)
    return str(path)
