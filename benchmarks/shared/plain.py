"""The plainest PyTorch of the published set-up: what a careful user writes in an afternoon."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

BATCH = 32
CLASSES = 3


class PlainNetwork(nn.Module):
    """The original's network, layer by layer in its own order, a head per task."""

    def __init__(self, tasks: int = 2) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
            nn.BatchNorm2d(32, momentum=0.01, eps=1e-3),
            *(nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU()),
            nn.BatchNorm2d(64, momentum=0.01, eps=1e-3),
            *(nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(3136, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()),
        )
        self.heads = nn.ModuleList(nn.Linear(32, CLASSES) for _ in range(tasks))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor, task: int) -> Tensor:
        return self.heads[task](self.trunk(x))


def fisher_by_samples(network: PlainNetwork, x: Tensor, task: int) -> list[Tensor]:
    """Exact Fisher diagonal of the trunk for independent sigmoids, summed over samples: a forward
    pass per sample, a backward pass per output.
    """
    network.eval()
    weights = list(network.trunk.parameters())
    fisher = [torch.zeros_like(p) for p in weights]
    for sample in x:
        logits = network(sample.unsqueeze(0), task)[0]
        p = logits.detach().sigmoid()
        for k in range(CLASSES):
            network.zero_grad()
            logits[k].backward(retain_graph=True)
            for total, weight in zip(fisher, weights, strict=True):
                total += p[k] * (1 - p[k]) * weight.grad**2
    return fisher


class PlainStep:
    """Two tasks in turn with a quadratic penalty through autograd, in the plainest PyTorch: a
    DataLoader over tensors in memory, both tasks evaluated after every epoch.

    ``seconds`` are CPU seconds of training, importance and evaluation; ``losses`` the last task
    losses.
    """

    def __init__(
        self,
        train: Sequence[tuple[Tensor, Tensor]],
        test: Sequence[tuple[Tensor, Tensor]],
        memory_format: torch.memory_format,
    ) -> None:
        self._train = train
        self._test = test
        self._format = memory_format
        self._network = PlainNetwork().to(memory_format=memory_format)
        self._penalties: list[tuple[list[Tensor], list[Tensor]]] = []
        self.seconds = {"training": 0.0, "importance": 0.0, "evaluation": 0.0}
        self.losses: list[float] = []

    def run(self, epochs: int, weight: float, importance_samples: int) -> None:
        criterion = nn.BCEWithLogitsLoss()
        for task, (x, y) in enumerate(self._train):
            loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
            optimizer = torch.optim.Adam(self._network.parameters(), lr=1e-3)
            for _ in range(epochs):
                start = time.process_time()
                self._network.train()
                for inputs, labels in loader:
                    logits = self._network(inputs.to(memory_format=self._format), task)
                    loss = criterion(logits, functional.one_hot(labels, CLASSES).float())
                    optimizer.zero_grad()
                    (loss + weight / 2 * self._penalty()).backward()
                    optimizer.step()
                self._count("training", start)
                start = time.process_time()
                self.losses = [self._evaluate(k, criterion) for k in range(len(self._test))]
                self._count("evaluation", start)
            if task + 1 < len(self._train):
                start = time.process_time()
                rows = torch.linspace(0, len(x) - 1, importance_samples).long()
                fisher = fisher_by_samples(self._network, x[rows], task)
                anchor = [p.detach().clone() for p in self._network.trunk.parameters()]
                self._penalties.append(([f / len(rows) for f in fisher], anchor))
                self._count("importance", start)

    def _penalty(self) -> Tensor:
        total = torch.zeros(())
        for fisher, anchor in self._penalties:
            for p, f, a in zip(self._network.trunk.parameters(), fisher, anchor, strict=True):
                total = total + (f * (p - a) ** 2).sum()
        return total

    def _evaluate(self, task: int, criterion: nn.Module) -> float:
        self._network.eval()
        x, y = self._test[task]
        total = 0.0
        with torch.no_grad():
            for inputs, labels in DataLoader(TensorDataset(x, y), batch_size=256):
                logits = self._network(inputs.to(memory_format=self._format), task)
                loss = criterion(logits, functional.one_hot(labels, CLASSES).float())
                total += loss.item() * len(labels)
        return total / len(y)

    def _count(self, what: str, start: float) -> None:
        self.seconds[what] += time.process_time() - start
