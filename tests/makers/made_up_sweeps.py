"""Tables of sweeps whose best lambda is known, for the tests of what is made of them."""

import numpy as np
import pandas as pd

LAMBDAS = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6)


def made_up_sweep(
    lambdas=LAMBDAS, runs=6, centre=3.0, sd=0.02, pairs=True, seed="seed", measure="loss", start=3
):
    """A row for each run: a parabola over log10(lambda) with its minimum, 1, at the centre. With
    ``pairs`` the seeds 0, 1, ... stand at every lambda, each with an offset of its own; without,
    each run has a seed of its own.
    """
    rng = np.random.default_rng(start)
    offsets = rng.standard_normal(runs) if pairs else np.zeros(runs)
    rows = []
    for step, lam in enumerate(lambdas):
        for run in range(runs):
            x = np.log10(lam) if lam > 0 else -6.0
            value = 1 + 0.1 * (x - centre) ** 2 + offsets[run] + sd * rng.standard_normal()
            rows.append((lam, run if pairs else step * runs + run, value))
    return pd.DataFrame(rows, columns=["lambda", seed, measure])
