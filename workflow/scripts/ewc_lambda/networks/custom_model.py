"""A trunk from a Python file of the user's own: read, run and checked (docs/own-model.md)."""

from __future__ import annotations

import copy
import sys
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ewc_lambda.errors import StudyError
from ewc_lambda.networks.trunks import drop_batch_counts

# The function that the file has to define.
FUNCTION = "trunk"

Result = TypeVar("Result")


def load_trunk(config: Mapping[str, Any], input_shape: Sequence[int], seed: int) -> nn.Module:
    """Run the file ``model_file`` and return the trunk that its function makes for samples of
    ``input_shape``, with the initial weights that it draws after ``torch.manual_seed(seed)``.

    Raises:
        StudyError: the file cannot be read or run, or its trunk cannot be trained here.

    """
    path = Path(config["model_file"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        make = _run(path).get(FUNCTION)
        if not callable(make):
            raise StudyError(
                f"model_file: {path} defines no function {FUNCTION}(input_shape), which returns "
                "the trunk; docs/own-model.md has an example"
            )
        trunk = _guarded(path, lambda: make(tuple(input_shape)))
        if not isinstance(trunk, nn.Module):
            raise StudyError(
                f"model_file: {FUNCTION} of {path} returned {type(trunk).__name__}, it must "
                "return a torch.nn.Module"
            )
        # Lazy layers draw their weights at the first pass, so this is within the seed.
        _check_outputs(path, trunk, input_shape)
        drop_batch_counts(trunk)
        _check_tensors(path, trunk)
        _check_training(path, trunk, input_shape)
    return trunk


def check_repeats(
    config: Mapping[str, Any], input_shape: Sequence[int], seed: int, trunk: nn.Module
) -> None:
    """StudyError unless the file makes ``trunk`` again, weight for weight, from the same seed."""
    again = load_trunk(config, input_shape, seed).state_dict()
    for name, value in trunk.state_dict().items():
        if not torch.equal(value, again[name]):
            raise StudyError(
                f"model_file: {name} of the trunk of {config['model_file']} has other initial "
                "weights at every call; draw them by torch's own functions without a generator, "
                "which are seeded for each trial"
            )


def _run(path: Path) -> dict[str, Any]:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise StudyError(f"model_file: {path} cannot be read ({error.strerror})") from error
    # Not by the import system, which would keep compiled code beside the file and go by its time.
    module = types.ModuleType("ewc_lambda_model_file")
    sys.modules[module.__name__] = module
    _guarded(path, lambda: exec(compile(source, str(path), "exec"), module.__dict__))
    return module.__dict__


def _guarded(path: Path, run: Callable[[], Result]) -> Result:
    """What ``run`` returns; whatever it raises becomes a StudyError that names the line."""
    try:
        return run()
    except (Exception, SystemExit) as error:
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
        ]
        line = error.lineno if isinstance(error, SyntaxError) else (lines or [None])[-1]
        where = "" if line is None else f", line {line}"
        raise StudyError(f"model_file: {path}{where}: {type(error).__name__}: {error}") from error


def _check_outputs(path: Path, trunk: nn.Module, input_shape: Sequence[int]) -> None:
    x = _probe(input_shape)
    trunk.eval()
    with torch.no_grad():
        output = _guarded(path, lambda: trunk(x))
        alone = _guarded(path, lambda: trunk(x[:1]))
    found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != len(x):
        raise StudyError(
            f"model_file: the trunk of {path} returned {found} for inputs of shape "
            f"{tuple(x.shape)}, it must return ({len(x)}, features)"
        )
    if not output.isfinite().all():
        raise StudyError(
            f"model_file: the trunk of {path} returned what is not finite for inputs from 0 to 1"
        )
    if not torch.allclose(alone, output[:1], rtol=1e-3, atol=1e-5):
        raise StudyError(
            f"model_file: in evaluation mode the trunk of {path} gives a sample another output "
            "where others are beside it, so no importance can be computed sample by sample"
        )


def _check_tensors(path: Path, trunk: nn.Module) -> None:
    if next(trunk.parameters(), None) is None:
        raise StudyError(f"model_file: the trunk of {path} has no parameters to train")
    for name, parameter in trunk.named_parameters():
        if not parameter.requires_grad:
            raise StudyError(
                f"model_file: the parameter {name} of {path} has requires_grad=False; what is not "
                "to be trained must be a buffer (register_buffer)"
            )
    for name, tensor in (*trunk.named_parameters(), *trunk.named_buffers()):
        if tensor.dtype != torch.float32:
            raise StudyError(
                f"model_file: {name} of {path} is {str(tensor.dtype).removeprefix('torch.')}; "
                "every parameter and buffer must be float32"
            )


def _check_training(path: Path, trunk: nn.Module, input_shape: Sequence[int]) -> None:
    # On a copy: normalization layers take note of what they see.
    training = _guarded(path, lambda: copy.deepcopy(trunk).train())
    state = torch.get_rng_state()
    _guarded(path, lambda: training(_probe(input_shape)))
    if not torch.equal(torch.get_rng_state(), state):
        raise StudyError(
            f"model_file: the trunk of {path} draws random numbers while it is trained (dropout?), "
            "which would differ from lambda to lambda and from run to run; leave that out"
        )


def _probe(input_shape: Sequence[int]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, *input_shape, generator=generator)
