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

# Not defined in it: what it finds by its own place is not watched.
_FILE = "__file__"

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
        _check_types(path, trunk)
        # Lazy layers draw their weights at the first pass, so this is within the seed.
        _check_outputs(path, trunk, input_shape)
        drop_batch_counts(trunk)
        _fix_frozen(path, trunk, input_shape)
        if next(trunk.parameters(), None) is None:
            raise StudyError(f"model_file: the trunk of {path} has no parameters to train")
        # Those of lazy layers, too.
        _check_types(path, trunk)
        _check_training(path, trunk, input_shape)
    return trunk


def check_repeats(
    config: Mapping[str, Any], input_shape: Sequence[int], seed: int, trunk: nn.Module
) -> None:
    """StudyError unless the file makes ``trunk`` again, weight for weight, from the same seed, and
    its whole numbers from any: they are not kept with the weights, but made again in each job.
    """
    again = load_trunk(config, input_shape, seed).state_dict()
    for name, value in trunk.state_dict().items():
        if not torch.equal(value, again[name]):
            raise StudyError(
                f"model_file: {name} of the trunk of {config['model_file']} has other initial "
                "weights at every call; draw them by torch's own functions without a generator, "
                "which are seeded for each trial"
            )
    whole = {n: b for n, b in trunk.named_buffers() if not b.is_floating_point()}
    others = dict(load_trunk(config, input_shape, seed + 1).named_buffers()) if whole else {}
    for name, value in whole.items():
        if not torch.equal(value, others[name]):
            raise StudyError(
                f"model_file: {name} of the trunk of {config['model_file']} holds whole numbers "
                "that are drawn; they must be the same in every trial, so draw them with a "
                "torch.Generator of a fixed seed"
            )


def draws_weights(config: Mapping[str, Any], input_shape: Sequence[int]) -> bool:
    """Whether initial weights of the file's trunk differ with the seed, as trials do."""
    one, other = (load_trunk(config, input_shape, seed).parameters() for seed in (0, 1))
    return any(not torch.equal(*pair) for pair in zip(one, other, strict=True))


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
        what = f"{type(error).__name__}: {error}{_alone(path, error)}"
        raise StudyError(f"model_file: {path}{where}: {what}") from error


def _alone(path: Path, error: BaseException) -> str:
    """The way out where a file wants what lies beside it, which no job would see change."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    found = name and (path.with_name(name).exists() or path.with_name(f"{name}.py").exists())
    if found or _FILE in str(error):
        return "; a model file stands alone: write what it takes from its folder into it"
    return ""


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


def _check_types(path: Path, trunk: nn.Module) -> None:
    for name, tensor in (*trunk.named_parameters(), *trunk.named_buffers()):
        if tensor.dtype != torch.float32 and (tensor.is_floating_point() or tensor.is_complex()):
            raise StudyError(
                f"model_file: {name} of {path} is {str(tensor.dtype).removeprefix('torch.')}; "
                "every parameter must be float32, and every buffer float32 or whole numbers"
            )


def _check_training(path: Path, trunk: nn.Module, input_shape: Sequence[int]) -> None:
    # On a copy: normalization layers take note of what they see.
    training = _guarded(path, lambda: copy.deepcopy(trunk).train())
    drawing = _watch_draws(training)
    output = _guarded(path, lambda: training(_probe(input_shape)))
    if not output.requires_grad:
        raise StudyError(
            f"model_file: what the trunk of {path} returns has no gradient, so nothing can be "
            "trained; leave no_grad, detach and the like out of its forward"
        )
    if drawing:
        name = next((n for n, module in training.named_modules() if module is drawing[0]), "")
        layer = f"its layer {name} ({type(drawing[0]).__name__})" if name else "its forward"
        raise StudyError(
            f"model_file: the trunk of {path} draws random numbers while it is trained, in "
            f"{layer}, which would differ from lambda to lambda and from run to run; leave that "
            "out (dropout has a p of 0)"
        )
    for name, before in trunk.named_buffers():
        after = training.get_buffer(name)
        if not before.is_floating_point() and not torch.equal(before, after):
            raise StudyError(
                f"model_file: {name} of {path} holds whole numbers that change while it is "
                "trained; let what changes be float32, of which each member keeps its own"
            )


def _watch_draws(trunk: nn.Module) -> list[nn.Module]:
    """A list to which a pass adds the modules that drew random numbers, from the inside out."""
    drawing: list[nn.Module] = []
    before: dict[nn.Module, Tensor] = {}

    def enter(module: nn.Module, _: Any) -> None:
        before[module] = torch.get_rng_state()

    def leave(module: nn.Module, _: Any, __: Any) -> None:
        if not torch.equal(torch.get_rng_state(), before[module]):
            drawing.append(module)

    for module in trunk.modules():
        module.register_forward_pre_hook(enter)
        module.register_forward_hook(leave)
    return drawing


def _fix_frozen(path: Path, trunk: nn.Module, input_shape: Sequence[int]) -> None:
    """Make a buffer of each parameter that is not to be trained: kept with the base model, neither
    trained nor penalized.

    A layer that goes by a reference of its own, as one of two that share a weight, would not see
    what its buffer is set to; so it is tried with other values.
    """
    frozen = {n: p for n, p in trunk.named_parameters() if not p.requires_grad}
    if not frozen:
        return
    changed = _guarded(path, lambda: copy.deepcopy(trunk))
    for name in frozen:
        changed.get_parameter(name).data.copy_(_other(frozen[name]))
    for name, parameter in frozen.items():
        owner, leaf = _place(trunk, name)
        delattr(owner, leaf)
        owner.register_buffer(leaf, parameter.detach())
    rebound = copy.deepcopy(trunk)
    for name, parameter in frozen.items():
        owner, leaf = _place(rebound, name)
        owner.register_buffer(leaf, _other(parameter))
    x = _probe(input_shape)
    with torch.no_grad():
        wanted = _guarded(path, lambda: changed.eval()(x))
        found = _guarded(path, lambda: rebound.eval()(x))
    if not torch.allclose(wanted, found, rtol=1e-4, atol=1e-5, equal_nan=True):
        raise StudyError(
            f"model_file: {', '.join(frozen)} of {path} have requires_grad=False, but a layer does "
            "not hold them by their names, as where two layers share one; keep what is not trained "
            "in layers that do, or train it"
        )


def _other(parameter: Tensor) -> Tensor:
    return 2 * parameter.detach() + 0.1


def _place(trunk: nn.Module, name: str) -> tuple[nn.Module, str]:
    owner, _, leaf = name.rpartition(".")
    return trunk.get_submodule(owner), leaf


def _probe(input_shape: Sequence[int]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, *input_shape, generator=generator)
