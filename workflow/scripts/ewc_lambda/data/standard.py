"""Inputs scaled to mean 0 and standard deviation 1, by what the first task's training has."""

from __future__ import annotations

import numpy as np

# Mean and standard deviation of each column, or of each channel of pictures.
Standard = tuple[list[float], list[float]]


def statistics(x: np.ndarray, scale: float) -> Standard:
    """Mean and standard deviation of each column of x (N, F) times ``scale``, or of each channel of
    pictures (N, C, H, W) over all pixels. What does not vary has a deviation of 1.
    """
    axes = (0, 2, 3) if x.ndim == 4 else (0,)
    mean = x.mean(axis=axes, dtype=np.float64) * scale
    deviation = x.std(axis=axes, dtype=np.float64) * scale
    deviation = np.where(deviation > 0, deviation, 1.0)
    return mean.tolist(), deviation.tolist()
