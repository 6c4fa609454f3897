"""Where training computes: the device, its precision, and what does not fit into its memory."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch

from ewc_lambda.errors import StudyError

logger = logging.getLogger("ewc_lambda")

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
    # Which also fills new memory before it is written: as many kernels again on a GPU.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    reduced = config["precision"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = reduced
    # On by default in torch.
    torch.backends.cudnn.allow_tf32 = reduced
    if config["device"] == "cuda":
        if not torch.cuda.is_available():
            raise StudyError(f"device: cuda, but {_why_no_gpu()}. Allowed here: device cpu.")
        logger.info("device: %s", torch.cuda.get_device_name())
    elif config["precision"] == "bfloat16" and not bfloat16_units():
        logger.warning(
            "precision: bfloat16, for which this processor has no unit of its own (%s): slower "
            "than float32",
            torch.cpu.get_capabilities().get("cpu_name", "unknown"),
        )
    return torch.device(config["device"])


def bfloat16_units() -> list[str]:
    """The processor's units for products in bfloat16, as torch names them."""
    return [
        name for name, there in torch.cpu.get_capabilities().items() if "bf16" in name and there
    ]


def as_fits(members: int, work: Callable[[slice], Result]) -> list[Result]:
    """Train or evaluate a set of members, in halves where they do not fit into the device's memory
    together.

    Args:
        members: how many there are.
        work: on some of them, from the start; called again where it ran out of memory.

    Returns:
        The results of consecutive members.

    Raises:
        StudyError: one member alone does not fit, or an operation is not deterministic.

    """
    return _as_fits(slice(0, members), work)


def _as_fits(part: slice, work: Callable[[slice], Result]) -> list[Result]:
    count = part.stop - part.start
    try:
        return [work(part)]
    except torch.OutOfMemoryError as error:
        if count == 1:
            raise StudyError(
                f"one network with its samples does not fit into the memory of the device "
                f"({error}). Allowed: a smaller batch_size, model or samples_per_task, or device "
                f"cpu."
            ) from error
    except RuntimeError as error:
        if _NOT_DETERMINISTIC in str(error):
            raise StudyError(
                f"an operation of this model or importance measure has no deterministic "
                f"implementation on this device ({str(error).splitlines()[0]}). Allowed: device "
                f"cpu, or another model or importance measure."
            ) from error
        raise
    # Out of the handler: what was allocated hangs on its error.
    torch.cuda.empty_cache()
    middle = part.start + count // 2
    logger.warning("%d members do not fit into the device's memory: split in two", count)
    return [
        result
        for half in (slice(part.start, middle), slice(middle, part.stop))
        for result in _as_fits(half, work)
    ]


def _why_no_gpu() -> str:
    if torch.version.cuda is None:
        return f"the installed torch {torch.__version__} was built without CUDA"
    return "torch sees no GPU on this machine"
