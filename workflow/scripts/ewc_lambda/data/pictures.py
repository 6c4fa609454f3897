"""Pictures as a network takes them: of another size, grey or in colour, with a margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ewc_lambda.data.sources import Dataset
from ewc_lambda.data.sources.task_list import OF_PICTURES
from ewc_lambda.errors import StudyError

# Weights of red, green and blue in a grey value (ITU-R BT.601).
_GREY = (0.299, 0.587, 0.114)


def fitted(config: Mapping[str, Any], data: Dataset) -> Dataset:
    """The data set with its pictures as ``image_colour``, ``image_size`` and ``image_padding`` say,
    in this order. Tables are left as they are where no key asks for pictures.

    Raises:
        StudyError: a key asks for pictures, and these are none, or of other colours.

    """
    asked = [key for key, nothing in OF_PICTURES.items() if config.get(key, nothing) != nothing]
    if data.x_train.ndim != 4:
        if asked:
            raise StudyError(
                f"{asked[0]}: needs pictures, but samples of {data.name} have the shape "
                f"{data.x_train.shape[1:]}"
            )
        return data
    return replace(data, x_train=_fitted(config, data.x_train), x_test=_fitted(config, data.x_test))


def _fitted(config: Mapping[str, Any], x: np.ndarray) -> np.ndarray:
    x = recoloured(x, config.get("image_colour", "as_is"))
    if config["image_size"] is not None:
        x = resized(x, config["image_size"])
    margin = config.get("image_padding", 0)
    return np.pad(x, ((0, 0), (0, 0), (margin, margin), (margin, margin))) if margin else x


def recoloured(x: np.ndarray, colour: str) -> np.ndarray:
    """Pictures (N, C, H, W) with one channel (``grey``) or three (``colour``), or ``as_is``."""
    channels = x.shape[1]
    if colour == "as_is" or channels == (1 if colour == "grey" else 3):
        return x
    if colour == "colour" and channels == 1:
        return np.repeat(x, 3, axis=1)
    if colour == "grey" and channels == 3:
        grey = np.tensordot(x, np.array(_GREY, np.float32), axes=(1, 0))[:, None]
        return np.rint(grey).astype(x.dtype) if x.dtype == np.uint8 else grey.astype(x.dtype)
    raise StudyError(
        f"image_colour: {colour} is made of pictures with 1 or 3 channels, not of those with "
        f"{channels}"
    )


def resized(x: np.ndarray, side: int) -> np.ndarray:
    """Pictures (N, C, H, W) of ``side`` x ``side`` pixels, bilinear, in their own type."""
    if x.shape[2:] == (side, side):
        return x
    from PIL import Image

    found = np.empty((*x.shape[:2], side, side), dtype=x.dtype)
    for index in np.ndindex(x.shape[:2]):
        picture = Image.fromarray(np.ascontiguousarray(x[index]))
        found[index] = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))
    return found
