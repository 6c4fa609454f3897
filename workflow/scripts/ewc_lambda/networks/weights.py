"""Weights in files: safetensors by the names of the network's parameters, never pickles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.networks.models import Layout
from ewc_lambda.store.records import file_digest
from ewc_lambda.store.replacing import replacing

_OPTIMIZER = "optimizer/"


def save_state(
    path: str | Path,
    layout: Layout,
    theta: Tensor,
    buffers: Tensor,
    omegas: Mapping[str, Tensor] | None = None,
    memory: Mapping[str, Tensor] | None = None,
) -> str:
    """Write parameters (..., size) and buffers (..., buffer_size) under their own names, each
    (..., *shape), importances (..., shared) as ``importance/{its name}/{parameter}``, and what an
    optimizer remembers, flat as it is, as ``optimizer/{its name}``.

    Returns:
        The file's SHA-256.

    """
    named = {**layout.split_parameters(theta), **layout.split_buffers(buffers)}
    for importance, omega in (omegas or {}).items():
        parts = layout.split_shared(omega)
        named |= {f"importance/{importance}/{name}": part for name, part in parts.items()}
    named |= {f"{_OPTIMIZER}{name}": tensor for name, tensor in (memory or {}).items()}
    with replacing(path) as temporary:
        # Written here and not by the library, whose error on a full disk is no OSError.
        temporary.write_bytes(save({n: tensor.contiguous().cpu() for n, tensor in named.items()}))
        return file_digest(temporary)


def tensor_digest(*tensors: Tensor) -> str:
    """SHA-256 of the values of some tensors, whatever file they stand in."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def load_state(
    path: str | Path, layout: Layout, sha256: str, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Parameters (..., size) and buffers (..., buffer_size), on the device, of a file whose SHA-256
    is known.

    Raises:
        BrokenFileError: the file is missing or another one.

    """
    named = _load(path, sha256, device)
    theta = layout.join(named, "parameters")
    # A network without buffers has as many members all the same.
    buffers = layout.join(named, "buffers").reshape(*theta.shape[:-1], layout.buffer_size)
    return theta, buffers


def load_importance(
    path: str | Path, layout: Layout, importance: str, sha256: str, device: torch.device
) -> Tensor:
    """Importance (..., shared) of one importance measure, from a file that `save_state` wrote."""
    prefix = f"importance/{importance}/"
    named = {
        name.removeprefix(prefix): tensor
        for name, tensor in _load(path, sha256, device).items()
        if name.startswith(prefix)
    }
    if not named:
        raise StudyError(f"{path}: holds no importance '{importance}'. Delete it and run again.")
    return layout.join(named, "shared")


def load_memory(path: str | Path, sha256: str, device: torch.device) -> dict[str, Tensor]:
    """What an optimizer remembers, by name, from a file that `save_state` wrote; none is {}."""
    return {
        name.removeprefix(_OPTIMIZER): tensor
        for name, tensor in _load(path, sha256, device).items()
        if name.startswith(_OPTIMIZER)
    }


def _load(path: str | Path, sha256: str, device: torch.device) -> dict[str, Tensor]:
    path = Path(path)
    if not path.exists():
        raise BrokenFileError(path, "the file is missing")
    if file_digest(path) != sha256:
        raise BrokenFileError(path, f"its SHA-256 is not the recorded {sha256[:16]}…")
    try:
        return {name: tensor.to(device) for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise BrokenFileError(path, f"not a safetensors file ({error})") from None
