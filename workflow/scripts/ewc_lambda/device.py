"""Where training computes: the device, its precision, and what does not fit into its memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch

from ewc_lambda.errors import StudyError
from ewc_lambda.jobs import logger

Result = TypeVar("Result")

# The words of torch's message, which has no class of its own.
_NOT_DETERMINISTIC = "does not have a deterministic implementation"


def open_device(config: Mapping[str, Any]) -> torch.device:
    """The device of a study, set to its precision and to deterministic algorithms.

    Raises:
        StudyError: there is no GPU to be seen.

    """
    # cuBLAS reads this when the GPU is first used, and is deterministic only with it.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # What use_deterministic_algorithms(True) does, without importing torch's compiler: a second of
    # every job.
    torch.set_deterministic_debug_mode("error")
    reduced = config["precision"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = reduced
    # On by default in torch.
    torch.backends.cudnn.allow_tf32 = reduced
    if config["device"] == "cuda":
        if not torch.cuda.is_available():
            raise StudyError(f"device: cuda, but {_why_no_gpu()}. Allowed here: device cpu.")
        logger.info("device: %s", torch.cuda.get_device_name())
    return torch.device(config["device"])


def train_as_fits(members: int, train: Callable[[slice], Result]) -> list[Result]:
    """Train a set of members, in halves where they do not fit into the device's memory together.

    Args:
        members: how many there are.
        train: trains some of them, from the start; called again where it ran out of memory.

    Returns:
        The results of consecutive members.

    Raises:
        StudyError: one member alone does not fit, or an operation is not deterministic.

    """
    return _train(slice(0, members), train)


def _train(part: slice, train: Callable[[slice], Result]) -> list[Result]:
    count = part.stop - part.start
    try:
        return [train(part)]
    except torch.OutOfMemoryError as error:
        if count == 1:
            raise StudyError(
                f"one network does not fit into the memory of the device ({error}). Allowed: a "
                f"smaller batch_size or model, or device cpu."
            ) from error
    except RuntimeError as error:
        if _NOT_DETERMINISTIC in str(error):
            raise StudyError(
                f"an operation of this model has no deterministic implementation on this device "
                f"({str(error).splitlines()[0]}). Allowed: device cpu, or another model."
            ) from error
        raise
    # Out of the handler: what was allocated hangs on its error.
    torch.cuda.empty_cache()
    middle = part.start + count // 2
    logger.warning("%d members do not fit into the device's memory: split in two", count)
    return [
        result
        for half in (slice(part.start, middle), slice(middle, part.stop))
        for result in _train(half, train)
    ]


def _why_no_gpu() -> str:
    if torch.version.cuda is None:
        return f"the installed torch {torch.__version__} was built without CUDA"
    return "torch sees no GPU on this machine"
