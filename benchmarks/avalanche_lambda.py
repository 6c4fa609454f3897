"""How Avalanche's lambda relates to ours: predicted from the importances, measured by two searches.

    snakemake --cores all --configfile config/studies/avalanche_ewc.yaml
    python benchmarks/avalanche_lambda.py

Their penalty is lambda * sum_i F_i (theta_i - theta*_i)^2, without the one half, and F_i the mean
over batches of the squared mean gradient of a batch. Ours is lambda / 2 * sum_i Omega_i (...)^2,
with the mean over samples of the squared gradient of a sample (`fisher_empirical`). So where the
penalties are equal, ours is 2 * F / Omega times theirs. Importances are compared on the weights
after the first task that Avalanche trained; then the study is run with the project's own network,
optimizer and batches, and the best lambdas are compared.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from ewc_lambda.data.prepared import read_prepared
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.results.study_file import Study

STUDY = Path("config/studies/avalanche_ewc.yaml")
OURS = "avalanche_ours"


def importances(held: dict[str, Tensor], x: Tensor, y: Tensor, batch: int) -> tuple[Tensor, ...]:
    """Of the trunk: theirs as stored, the mean squared mean gradient of batches, the empirical
    Fisher information, all (parameters,).
    """
    trunk = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Identity())
    names = [name for name, _ in trunk.named_parameters()]
    # In theirs a flattening layer comes first.
    places = {name: f"trunk.{int(name[0]) + 1}{name[1:]}" for name in names}
    weights = {name: held[f"weights/{place}"] for name, place in places.items()}
    head = [held[f"weights/heads.0.{kind}"] for kind in ("weight", "bias")]

    def loss(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        features = functional_call(trunk, weights, (x,))
        return nn.functional.cross_entropy(nn.functional.linear(features, *head), y)

    def flat(parts: dict[str, Tensor], keep: int) -> Tensor:
        return torch.cat([parts[name].flatten(keep) for name in names], dim=keep)

    def alone(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return loss(weights, x[None], y[None])

    samples = flat(vmap(grad(alone), (None, 0, 0))(weights, x, y), 1)
    batches = [
        flat(grad(loss)(weights, *part), 0) ** 2
        for part in zip(x.split(batch), y.split(batch), strict=True)
    ]
    stored = flat({name: held[f"omega/{place}"] for name, place in places.items()}, 0)
    return stored, torch.stack(batches).mean(dim=0), (samples**2).mean(dim=0)


def of_trials(folder: Path, batch: int) -> np.ndarray:
    """2 F / Omega (trials, replicates) against the empirical Fisher information, in decades."""
    prepared = read_prepared(folder / "data.h5")
    x, y = (torch.from_numpy(np.asarray(a)) for a in prepared.splits[0]["train"])
    x = x.flatten(1).float() * prepared.scale
    rows, worst = [], 0.0
    for path in sorted(folder.glob("trial_*/first_task.safetensors")):
        held = load_file(path)
        row = []
        for replicate in range(len({name.split("/")[0] for name in held})):
            own = f"{replicate}/"
            parts = {n.removeprefix(own): t for n, t in held.items() if n.startswith(own)}
            theirs, batched, empirical = importances(parts, x, y, batch)
            worst = max(worst, float((theirs - batched).abs().max() / batched.max()))
            row.append(float(torch.log10(2 * theirs.sum() / empirical.sum())))
        rows.append(row)
    print(f"their importance against squared mean gradients of batches of {batch}: at most")
    print(f"{worst:.1e} of the largest apart\n")
    return np.array(rows)


def ours(cores: str) -> Study:
    """The same study with the project's own network."""
    config = yaml.safe_load(STUDY.read_text())
    config = {key: value for key, value in config.items() if not key.startswith("trainer")}
    path = Path(f"results/{OURS}.yaml")
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({**config, "study": OURS, "hidden": [64, 32]}))
    command = [sys.executable, "-m", "snakemake", "--cores", cores, "--configfile", str(path)]
    subprocess.run(command, check=True)
    return open_study(f"results/{OURS}/study.h5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", default="1")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = yaml.safe_load(STUDY.read_text())
    folder = Path("results", config["study"])
    shift = of_trials(folder, config["batch_size"])
    print("decades by which our lambda lies above theirs, of fisher_empirical, predicted:")
    print(
        f"{shift.mean():.2f} ({shift.min():.2f} to {shift.max():.2f} over trials and replicates);"
    )
    print(
        f"2 / batch size is {np.log10(2 / config['batch_size']):.2f}; of batched gradients 0.30\n"
    )
    for name, study in (("theirs", open_study(folder / "study.h5")), ("ours", ours(given.cores))):
        for answer in answer_study(study):
            use, own = answer.recommendation.use, [f"{t.best.estimate:.3g}" for t in answer.trials]
            print(
                f"{name:7} lambda to use {use.estimate:.3g} ({use.low:.3g} to {use.high:.3g}); "
                f"own best of each trial {', '.join(own)}; resolved: {answer.resolved.resolved}"
            )


if __name__ == "__main__":
    main()
