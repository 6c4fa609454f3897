"""The shift of lambda between kinds of Fisher information, predicted from their sizes.

    python benchmarks/fisher_sizes.py kinds_digits --trials 6
    python benchmarks/fisher_sizes.py van_de_ven_exact --trials 3 --data-folder FOLDER

Trains the first task of each trial of a study of config/studies/replications/, and no other: what
is predicted is known before a penalty was ever used. A penalty of half the size needs twice the
lambda, so log10 of the ratio of the sums over all weights is the shift. Prints rows of
replications/fisher_sizes.csv; docs/replications.md sets what was measured beside them.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

# A study in one process, as tests run it.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests/makers"))
import in_process

from ewc_lambda.config.study_config import load

ROOT = Path(__file__).parents[1]
KINDS = ("fisher_exact", "fisher_sampled", "fisher_empirical", "fisher_batched")


def sizes(weights: Path) -> dict[str, float]:
    """Sum over the shared weights of each kind of Fisher information in a first task's file."""
    tensors = load_file(weights)
    found = dict.fromkeys(KINDS, 0.0)
    for name, tensor in tensors.items():
        for kind in KINDS:
            if name.startswith(f"importance/{kind}/"):
                found[kind] += float(tensor.double().sum())
    if not all(found.values()):
        raise SystemExit(f"{weights}: holds {sorted(tensors)}, and not all of {', '.join(KINDS)}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study")
    parser.add_argument("--data-folder", default="data")
    parser.add_argument("--trials", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    config = load(ROOT / f"config/studies/replications/{options.study}.yaml")
    config |= {"importance": list(KINDS), "trials": options.trials, "references": []}
    config |= {"data_folder": options.data_folder}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = in_process.files_of(Path(folder), config)
        in_process.run(files, kinds=("data", "base_model", "first_task"))
        firsts = [files.product("first_task", trial=trial) for trial in range(options.trials)]
        rows = [sizes(Path(product.weights or "")) for product in firsts]
    print("study,trial," + ",".join(KINDS))
    for trial, row in enumerate(rows):
        print(f"{options.study},{trial}," + ",".join(f"{row[kind]:.3g}" for kind in KINDS))
    shifts = np.array([[np.log10(row[KINDS[0]] / row[kind]) for kind in KINDS] for row in rows])
    for kind, column in zip(KINDS, shifts.T, strict=True):
        print(
            f"{kind}: predicted shift {column.mean():+.2f}, trials {np.round(column, 2).tolist()}"
        )


if __name__ == "__main__":
    main()
