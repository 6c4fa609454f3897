"""A model of your own: the example of docs/own-model.md.

The study calls `trunk` with the shape of a sample and trains what it returns, with a head per task
(or one for all) on top. Initial weights are those that this file draws: torch's generator is
seeded for each trial.
"""

from torch import nn

WIDTH = 32


class Block(nn.Module):
    """A dense layer with a way around it."""

    def __init__(self):
        super().__init__()
        self.normalization = nn.LayerNorm(WIDTH)
        self.dense = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        """(N, WIDTH) to (N, WIDTH)."""
        return x + nn.functional.relu(self.dense(self.normalization(x)))


def trunk(input_shape):
    """The network without its heads: inputs (N, *input_shape), outputs (N, features)."""
    inputs = 1
    for length in input_shape:
        inputs *= length
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, WIDTH), Block(), Block())
