"""How Avalanche's lambda relates to ours: predicted from the importances, measured by two searches.

    snakemake --cores all --configfile config/studies/avalanche_ewc.yaml
    python benchmarks/avalanche_lambda.py

Their penalty is lambda * sum_i F_i (theta_i - theta*_i)^2, without the one half, and F_i the mean
over batches of the squared mean gradient of a batch. Ours is lambda / 2 * sum_i Omega_i (...)^2,
with the mean over samples of the squared gradient of a sample (`fisher_empirical`). So where the
penalties are equal, ours is 2 * F / Omega times theirs. Importances are compared on the weights
after the first task that Avalanche trained. From these weights the second task is trained here with
either penalty, on the same batches, and the lambdas at which the measure is lowest are compared.
Last, the study is run with the project's own networks, whose weights are other ones.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from ewc_lambda.data.prepared import read_prepared
from ewc_lambda.inference.best_lambda import best_lambda
from ewc_lambda.reporting.answers import answer_study, open_study
from ewc_lambda.results.study_file import Study

Tensors = dict[str, Tensor]
Splits = Mapping[str, tuple[Tensor, Tensor]]
Config = Mapping[str, Any]

STUDY = Path("config/studies/avalanche_ewc.yaml")
OURS = "avalanche_ours"


def importances(held: Tensors, x: Tensor, y: Tensor, batch: int) -> tuple[Tensor, ...]:
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


def outputs(weights: Tensors, x: Tensor, head: Tensors) -> Tensor:
    """Outputs (members, N, classes) of a head."""
    for layer in ("trunk.1", "trunk.3"):
        x = torch.relu(x @ weights[f"{layer}.weight"].mT + weights[f"{layer}.bias"][:, None])
    return x @ head["weight"].mT + head["bias"][:, None]


def measures(held: Tensors, strengths: Tensor, tasks: Sequence[Splits], config: Config) -> Tensor:
    """The measure (members,) of the second task, trained with penalties sum_i strengths_i (...)^2,
    (members, parameters), from the weights after the first.
    """
    many = len(strengths)
    leaves = {
        name.removeprefix("weights/"): weight.repeat(many, *[1] * weight.ndim).requires_grad_()
        for name, weight in held.items()
        if name.startswith(("weights/trunk", "weights/heads.1"))
    }
    names = [name for name in leaves if name.startswith("trunk")]
    names.sort(key=lambda name: (name[:7], name.endswith("bias")))
    anchor = torch.cat([leaves[name].detach().clone().flatten(1) for name in names], dim=1)
    old = {kind: held[f"weights/heads.0.{kind}"][None] for kind in ("weight", "bias")}
    new = {kind: leaves[f"heads.1.{kind}"] for kind in ("weight", "bias")}
    adam = torch.optim.Adam(leaves.values(), config["learning_rate"])
    generator, (x, y) = torch.Generator().manual_seed(1), tasks[1]["train"]
    total = torch.zeros(many)

    def loss(head: Tensors, x: Tensor, y: Tensor) -> Tensor:
        logits = outputs(leaves, x, head).movedim(0, -1)
        labels = y[:, None].expand(-1, many)
        return nn.functional.cross_entropy(logits, labels, reduction="none").mean(dim=0)

    for _ in range(config["epochs"]):
        for batch in torch.randperm(len(y), generator=generator).split(config["batch_size"]):
            moved = torch.cat([leaves[name].flatten(1) for name in names], dim=1) - anchor
            adam.zero_grad()
            (loss(new, x[batch], y[batch]) + (strengths * moved**2).sum(dim=1)).sum().backward()
            adam.step()
        with torch.no_grad():
            for head, splits in zip((old, new), tasks, strict=True):
                total += loss(head, *splits["validation"])
    return total


def of_trials(folder: Path, config: Config) -> None:
    """Print what the importances predict, and what training with either penalty measures."""
    prepared = read_prepared(folder / "data.h5")
    tasks = [
        {
            split: (torch.from_numpy(x).flatten(1).float() * prepared.scale, torch.from_numpy(y))
            for split, (x, y) in splits.items()
        }
        for splits in prepared.splits
    ]
    lambdas, rows, worst = np.logspace(2, 6.5, 10), [], 0.0
    for path in sorted(folder.glob("trial_*/first_task.safetensors")):
        held = load_file(path)
        predicted, found = [], []
        for replicate in range(config["replicates"]):
            own = f"{replicate}/"
            parts = {n.removeprefix(own): t for n, t in held.items() if n.startswith(own)}
            train = tasks[0]["train"]
            theirs, batched, empirical = importances(parts, *train, config["batch_size"])
            worst = max(worst, float((theirs - batched).abs().max() / batched.max()))
            predicted.append(float(torch.log10(2 * theirs.sum() / empirical.sum())))
            strengths = [value * theirs for value in lambdas]
            strengths += [value / 2 * empirical for value in lambdas / 10]
            found.append(measures(parts, torch.stack(strengths), tasks, config).numpy())
        pair = zip((lambdas, lambdas / 10), np.split(np.array(found), 2, axis=1), strict=True)
        best = [np.log10(best_lambda(at, values).estimate) for at, values in pair]
        rows.append((*best, best[1] - best[0], np.mean(predicted)))
    print(f"their importance and squared mean gradients of batches: at most {worst:.1e} of the")
    print("largest apart\n")
    print("on their networks, log10 of the best lambda with their penalty and with that of our")
    print("fisher_empirical, the shift, and the shift that the importances predict")
    for trial, row in enumerate(rows):
        print(f"trial {trial}: " + "".join(f"{value:7.2f}" for value in row))
    shifts = np.array(rows)[:, 2]
    error = shifts.std(ddof=1) / len(shifts) ** 0.5
    print(f"shift {shifts.mean():.2f} +- {error:.2f} (standard error over trials)")
    plain = np.log10(2 / config["batch_size"])
    print(f"2 / batch size: {plain:.2f}; of squared batch gradients, 2: {np.log10(2):.2f}\n")


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
    of_trials(folder, config)
    theirs = open_study(folder / "study.h5")
    for name, study in (("theirs", theirs), ("ours", ours(given.cores))):
        for answer in answer_study(study):
            use, own = answer.recommendation.use, [f"{t.best.estimate:.3g}" for t in answer.trials]
            print(
                f"{name:7} lambda to use {use.estimate:.3g} ({use.low:.3g} to {use.high:.3g}); "
                f"own best of each trial {', '.join(own)}; resolved: {answer.resolved.resolved}"
            )


if __name__ == "__main__":
    main()
