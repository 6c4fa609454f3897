"""Data sets of several places, as .npz files: tables, pictures, and tasks within a file."""

import numpy as np


def table(seed=0, classes=3, features=4, train=60, test=30, regression=False, shift=0.0):
    """The arrays of a table whose classes, or targets, can be learned."""
    generator = np.random.default_rng(seed)
    centers = generator.normal(size=(classes, features))
    found = {}
    for split, count in (("train", train), ("test", test)):
        y = np.arange(count) % classes
        x = centers[y] + 0.3 * generator.normal(size=(count, features)) + shift
        found |= {f"x_{split}": x, f"y_{split}": x.sum(axis=1) if regression else y}
    return found


def save(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / name, **content)
    return str(folder / name)


def several_sites(sites=3, **how):
    """One file of several tasks: its arrays, the samples of all tasks mixed."""
    parts = [table(seed=site, **how) for site in range(sites)]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for split in ("train", "test"):
        counts = [len(part[f"y_{split}"]) for part in parts]
        order = np.random.default_rng(9).permutation(sum(counts))
        found[f"task_{split}"] = np.repeat(np.arange(sites), counts)
        for name in (f"x_{split}", f"y_{split}", f"task_{split}"):
            found[name] = found[name][order]
    return found
