"""The plainest PyTorch of the published set-up: what a careful user writes in an afternoon."""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
