"""Networks written down in torch alone."""

from torch import nn


def original_trunk(features, outputs):
    """The original's trunk, each ReLU where the original has it; ``features`` are what its
    convolutions leave (3136 for 28 x 28 images).
    """
    return nn.Sequential(
        nn.Sequential(
            nn.Conv2d(1, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(32, momentum=0.01, eps=1e-3),
            nn.Conv2d(32, 32, 3),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.BatchNorm2d(64, momentum=0.01, eps=1e-3),
            nn.Conv2d(64, 64, 3),
            nn.ReLU(),
            nn.Flatten(),
        ),
        nn.Linear(features, outputs),
        nn.ReLU(),
        nn.Linear(outputs, outputs),
        nn.ReLU(),
    )
