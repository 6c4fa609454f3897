"""What the owner of an .npz file should know of its samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

# Inputs beyond this are not scaled for a network: grey values, prices, years.
_UNSCALED = 20.0
# Test samples that are known from training are told from this share on: small tables repeat some.
_REPEATED = 0.01


def unscaled(x: np.ndarray, given: np.ndarray, name: str) -> Iterator[str]:
    """A note on inputs x (N, ...) that a network is not made for, none where they are about -1 to
    1. ``given`` is the array as it stands in the file called ``name``.
    """
    low, high = float(x.min()), float(x.max())
    if max(-low, high) <= _UNSCALED:
        return
    way = "subtract each column's mean and divide by its standard deviation before you save it"
    if low >= 0 and (high <= 255 or given.dtype.kind == "u"):
        most = 255 if high <= 255 else np.iinfo(given.dtype).max
        way = f"divide by {most} before you save it"
        if x.ndim == 4 and high <= 255:
            way += ", or save it as uint8, which is scaled here"
    yield (
        f"{name}: x_train ({given.dtype}) has values from {low:g} to {high:g} and is taken "
        f"unscaled, though networks learn best from values of about -1 to 1; {way}"
    )


def repeated(x_train: np.ndarray, x_test: np.ndarray, name: str) -> Iterator[str]:
    """Notes on samples (N, ...) that are all alike, or that are tested after they were trained."""
    if len(x_train) > 1 and bool((x_train == x_train[0]).all()):
        yield f"{name}: all samples of x_train are alike, so nothing can be learned from them"
        return
    known = {_digest(sample) for sample in x_train}
    twice = sum(_digest(sample) in known for sample in x_test)
    if twice >= _REPEATED * len(x_test):
        yield (
            f"{name}: {twice} of {len(x_test)} samples of x_test are in x_train too, value for "
            "value, and so the test is not of new samples"
        )


def _digest(sample: np.ndarray) -> bytes:
    return hashlib.blake2b(sample.tobytes(), digest_size=16).digest()
