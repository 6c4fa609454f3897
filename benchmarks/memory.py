"""Peak memory of one lambda step of the published set-up, all samples, and what holds it.

    python benchmarks/memory.py [--data-folder FOLDER]

Both tasks are trained for one epoch, with the exact Fisher information of all samples in between:
nothing that is kept grows with the number of epochs but the losses.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile


def peak() -> float:
    """MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_data(folder: str, path: str) -> None:
    from shared.published import prepare, published

    from ewc_lambda.store.records import write_hdf5

    prepared, name = prepare(published(folder, 1, None), 1.0)
    content = {
        f"{task}/{split}/{kind}": array
        for task, splits in enumerate(prepared.splits)
        for split, pair in splits.items()
        for kind, array in zip("xy", pair, strict=True)
    }
    write_hdf5(path, content, {"content": name, "scale": prepared.scale})


def train(path: str) -> None:
    import torch

    import ewc_lambda.jobs.steps  # noqa: F401  what a job imports

    print(f"{'torch and the library':28}{peak():7.0f} MiB")
    from shared.published import LAMBDA, published

    from ewc_lambda.data.prepared import SPLITS, Prepared, TaskInfo
    from ewc_lambda.learning.device import open_device
    from ewc_lambda.learning.problems import build_problem
    from ewc_lambda.learning.sequence import base_state, run_sequence
    from ewc_lambda.networks.models import draw_weights, flat_state
    from ewc_lambda.seeding import Stream, trial_generator
    from ewc_lambda.store.records import read_hdf5

    torch.set_num_threads(1)
    config = published("data", 1, None)
    open_device(config)  # deterministic, as in a job
    content, attributes = read_hdf5(path)
    tasks = tuple(TaskInfo(name, 3) for name in "01")
    splits = [{s: (content[f"{k}/{s}/x"], content[f"{k}/{s}/y"]) for s in SPLITS} for k in (0, 1)]
    scale = attributes["scale"]
    prepared = Prepared(tasks, "classification", (1, 28, 28), scale, splits, "")
    problem = build_problem(config, prepared)
    print(f"{'and ' + attributes['content']:28}{peak():7.0f} MiB")
    draw_weights(problem.network, trial_generator(1, 0, "weights"))
    theta, buffers = flat_state(problem.network, problem.layout)
    base = base_state(problem, theta, buffers, 1)
    run_sequence(problem, base, [Stream(1, 0, 0, ())], torch.tensor([LAMBDA]), "fisher")
    print(f"{'whole step':28}{peak():7.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-folder", default="data", help="where the MNIST files lie")
    parser.add_argument("--prepared", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.prepared:
        train(given.prepared)
        return
    # A program of its own trains, as a job does: reading the archives is not part of a step.
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/data.h5"
        write_data(given.data_folder, path)
        subprocess.run([sys.executable, __file__, "--prepared", path], check=True)


if __name__ == "__main__":
    main()
