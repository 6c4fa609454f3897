"""One lambda step through Avalanche's EWC, in the virtual environment that lambda_step.py makes.

    python benchmarks/avalanche_step.py DATA.npz EPOCHS LAMBDA

Prints one line of JSON: CPU seconds of start-up, training, importance and evaluation.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
import time


def declare_torchvision_operators() -> None:
    """The torchvision of the package index has its operators for CUDA alone and cannot be imported
    beside a CPU build of torch, unless somebody declares their names.
    """
    import importlib.util

    import torch

    found = importlib.util.find_spec("torchvision")
    assert found is not None
    assert found.origin is not None
    text = (pathlib.Path(found.origin).parent / "_meta_registrations.py").read_text()
    names = sorted(set(re.findall(r'register_meta\("(\w+)"\)|"torchvision::(\w+)"', text)))
    library = torch.library.Library("torchvision", "DEF")
    for name in {one or other for one, other in names} | {"nms"}:
        library.define(f"{name}(Tensor x) -> Tensor")
    globals()["_library"] = library  # operators live as long as it does


def main() -> None:
    import numpy as np
    import torch

    declare_torchvision_operators()
    from avalanche.benchmarks import tensors_benchmark
    from avalanche.models import MultiTaskModule
    from avalanche.training.plugins import EvaluationPlugin
    from avalanche.training.supervised import EWC
    from shared.plain import BATCH, CLASSES, PlainNetwork

    torch.set_num_threads(1)
    data, epochs, weight = np.load(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])

    class Network(MultiTaskModule):
        def __init__(self) -> None:
            super().__init__()
            self.plain = PlainNetwork()

        def forward_single_task(self, x, task_label):  # type: ignore[no-untyped-def]
            return self.plain(x, task_label)

    def loss(logits, labels):  # type: ignore[no-untyped-def]
        targets = torch.nn.functional.one_hot(labels, CLASSES).float()
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)

    def tensors(split: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
        return [
            (torch.from_numpy(data[f"{split}_x{k}"]), torch.from_numpy(data[f"{split}_y{k}"]))
            for k in range(2)
        ]

    stream = tensors_benchmark(
        train_tensors=tensors("train"), test_tensors=tensors("test"), task_labels=[0, 1]
    )
    network = Network()
    strategy = EWC(
        model=network,
        optimizer=torch.optim.Adam(network.parameters(), lr=1e-3),
        criterion=loss,
        ewc_lambda=weight,
        train_mb_size=BATCH,
        train_epochs=epochs,
        eval_mb_size=256,
        eval_every=1,
        evaluator=EvaluationPlugin(),
    )
    seconds = {"start-up": time.process_time(), "importance": 0.0, "evaluation": 0.0}

    def timed(owner, method: str, what: str) -> None:  # type: ignore[no-untyped-def]
        inner = getattr(owner, method)

        def outer(*args, **kwargs):  # type: ignore[no-untyped-def]
            start = time.process_time()
            result = inner(*args, **kwargs)
            seconds[what] += time.process_time() - start
            return result

        setattr(owner, method, outer)

    plugin = next(p for p in strategy.plugins if hasattr(p, "compute_importances"))
    timed(plugin, "compute_importances", "importance")
    timed(strategy, "eval", "evaluation")
    start = time.process_time()
    for experience in stream.train_stream:
        strategy.train(experience, eval_streams=[stream.test_stream])
    whole = time.process_time() - start
    seconds["training"] = whole - seconds["importance"] - seconds["evaluation"]
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
