"""Random zoom, rotation and flip of training pictures, drawn from a replicate's stream.

What a batch sees follows from the stream, the task and the epoch alone, so with common random
numbers a replicate sees the same changed pictures at every lambda. Validation, test and importance
see the pictures as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """How far pictures are changed: the size by a factor from 1 - zoom to 1 + zoom, the angle by
    up to ``rotation`` degrees either way, and half of them are mirrored if ``flip``.
    """

    zoom: float = 0.0
    rotation: float = 0.0
    flip: bool = False

    @property
    def active(self) -> bool:
        """Whether anything is changed."""
        return bool(self.zoom or self.rotation or self.flip)

    def draw(self, generator: np.random.Generator, samples: int) -> Tensor:
        """Factor, angle in degrees, and mirrored (1) or not (0) for so many pictures (samples, 3),
        float64. Each is drawn whether it is used or not, so that none depends on the others.
        """
        uniform = generator.random((samples, 3))
        factor = 1 + self.zoom * (2 * uniform[:, 0] - 1)
        angle = self.rotation * (2 * uniform[:, 1] - 1)
        mirrored = (uniform[:, 2] < 0.5) & self.flip
        return torch.from_numpy(np.stack([factor, angle, mirrored], axis=1))


def changed(pictures: Tensor, drawn: Tensor) -> Tensor:
    """Pictures (..., C, H, W), each mirrored, turned counter-clockwise as it is shown, and
    enlarged, as ``drawn`` (..., 3) says. Bilinear; outside is the picture's own reflection.
    """
    images = pictures.reshape(-1, *pictures.shape[-3:])
    factor, angle, mirrored = drawn.reshape(-1, 3).unbind(1)
    cosine, sine = (
        torch.cos(torch.deg2rad(angle)) / factor,
        torch.sin(torch.deg2rad(angle)) / factor,
    )
    rows, columns = (
        torch.arange(side, dtype=drawn.dtype, device=drawn.device) - (side - 1) / 2
        for side in images.shape[-2:]
    )
    # Where each pixel comes from, in pixels from the center; element by element, so that a picture
    # comes out the same whatever others are changed with it.
    across = _outer(cosine, columns, -1) - _outer(sine, rows, -2)
    down = _outer(sine, columns, -1) + _outer(cosine, rows, -2)
    across = across * (1 - 2 * mirrored.view(-1, 1, 1))
    places = torch.stack([2 * across / len(columns), 2 * down / len(rows)], dim=-1)
    result = functional.grid_sample(
        images, places.to(images.dtype), padding_mode="reflection", align_corners=False
    )
    # As the data are held, and faster for convolutions on a CPU.
    return result.contiguous(memory_format=torch.channels_last).reshape(pictures.shape)


def _outer(values: Tensor, places: Tensor, dim: int) -> Tensor:
    """(N, 1, W) for dim -1, (N, H, 1) for dim -2."""
    shape = (1, 1, -1) if dim == -1 else (1, -1, 1)
    return values.view(-1, 1, 1) * places.view(shape)
