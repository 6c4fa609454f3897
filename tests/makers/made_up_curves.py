"""Curves over lambda whose minima are known, for the tests of statistics."""

import numpy as np

X = np.linspace(2.0, 8.0, 9)
GRID = 10.0**X


def parabolas(vertices, x=X, curvature=0.05):
    """Replicates (R, S) with their own vertex each and the same curvature."""
    return 0.6 + curvature * (x[None] - np.asarray(vertices)[:, None]) ** 2


def draw(rng, replicates, shift, rough, x=X, centre=5.2):
    shifts = centre + shift * rng.standard_normal(replicates)
    shared = rng.standard_normal((replicates, 1))
    return parabolas(shifts, x) + shared + rough * rng.standard_normal((replicates, len(x)))
