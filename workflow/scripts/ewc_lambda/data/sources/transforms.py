"""Permuted and rotated pictures: the same classes seen through another input in every task."""

from __future__ import annotations

import numpy as np


def permute(x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Pictures (N, C, H, W) with their H * W pixels in one drawn order, channels kept together.

    The benchmark of Goodfellow et al. 2013, https://arxiv.org/abs/1312.6211, section 5.1.
    """
    order = generator.permutation(x.shape[2] * x.shape[3])
    return np.ascontiguousarray(x.reshape(*x.shape[:2], -1)[:, :, order]).reshape(x.shape)


def rotate(x: np.ndarray, degrees: float) -> np.ndarray:
    """Pictures (N, C, H, W) turned about their centre, counter-clockwise as they are shown.

    Values between pixels are bilinear, what comes from outside the picture is 0, the size and
    the storage type stay. A turn by 0 degrees gives the very values of ``x``.
    """
    from scipy import ndimage

    if degrees % 360 == 0:
        return x
    turned = np.empty_like(x)
    for index in np.ndindex(x.shape[:2]):
        plane = ndimage.rotate(
            x[index], degrees, output=np.float32, order=1, reshape=False, prefilter=False
        )
        # Rounded here: scipy cuts off the fraction when it writes integers itself, which makes
        # a turn by 90 degrees lose one grey value here and there.
        turned[index] = plane if x.dtype.kind == "f" else np.rint(plane)
    return turned
