"""Where a result comes from: code, config, versions, revision and the arithmetic of a processor."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ewc_lambda.errors import StudyError

_LIBRARY = Path(__file__).parents[1]
_PACKAGES = ("h5py", "numpy", "safetensors", "snakemake", "torch")


def own_files(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The files of the user's own that a study is trained by: those of a trainer, or a model.

    Raises:
        StudyError: one cannot be read.

    """
    if command := config.get("trainer_command"):
        # Whatever it names that is there.
        return tuple(word for word in shlex.split(command) if Path(word).is_file())
    key = "trainer" if config.get("trainer") else "model_file"
    if key == "model_file" and config.get("model") != "custom":
        return ()
    path = Path(config[key])
    try:
        path.read_bytes()
    except OSError as error:
        raise StudyError(
            f"{key}: {path} cannot be read ({error.strerror}); it is looked for from the "
            "folder in which Snakemake runs"
        ) from None
    return (str(path),)


def provenance(
    code: str,
    config: Mapping[str, Any],
    modules: Mapping[str, str] | None = None,
    torch: Any = None,
) -> dict[str, Any]:
    """What every result file carries: ``code`` (of `code_digest`), the part of the config that
    the result depends on, versions, git revision and the arithmetic of the processor. No time, no
    host. And the SHA-256 of the user's own files, where there are some, and of `code_modules` what
    is given. ``torch`` is the module, where the result was computed with it.
    """
    found = {
        file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in own_files(config)
    }
    trainer = config.get("trainer") or config.get("trainer_command")
    own: dict[str, Any] = {"trainer_sha256": found} if trainer else {}
    if found and not trainer:
        own = {"model_sha256": next(iter(found.values()))}
    return {
        "code_sha256": code,
        "config": dict(config),
        "versions": {"python": platform.python_version()}
        | {package: metadata.version(package) for package in _PACKAGES},
        "revision": revision(),
        "machine": platform.machine(),
        "arithmetic": arithmetic(torch),
        **own,
        **({} if modules is None else {"code_modules": dict(modules)}),
    }


def check_config(
    path: str | Path, provenance: Mapping[str, Any], config: Mapping[str, Any]
) -> None:
    """Whether a file was made with the keys of a job's config that it depends on.

    Raises:
        StudyError: names the first that differs.

    """
    for key, made in provenance["config"].items():
        if key in config and config[key] != made:
            raise StudyError(
                f"{path}: made with {key}: {made}, this job's config says {config[key]}. It was "
                f"exchanged while the study ran; run the same command again."
            )


def processor() -> str:
    """The processor's newest instruction set that numpy knows of."""
    known = np.show_config(mode="dicts")["SIMD Extensions"]
    found = [*known.get("baseline", ()), *known.get("found", ())]
    return found[-1] if found else platform.machine()


def arithmetic(torch: Any = None) -> str:
    """How this program computes: its processor and, with the module ``torch``, the kind of kernels
    that it chose, or the name of its GPU.
    """
    own = processor()
    # Not looked up: a job that was forked has it imported, though it may not compute with it.
    if torch is None:
        return own
    if torch.cuda.is_initialized():
        return f"{own}, torch {torch.cuda.get_device_name()}"
    return f"{own}, torch {torch.backends.cpu.get_cpu_capability()}"


def recipe_of(provenance: Mapping[str, Any]) -> str:
    """SHA-256 of the code and config that a result was made by: equal for two results that may
    stand for each other, on the same machine.
    """
    recipe = {"code": provenance["code_sha256"], "config": provenance["config"]}
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


@functools.cache
def revision() -> str:
    """Git revision of the project: what the file REVISION says, where one was written, as in an
    image; else that of the checkout; or "unknown" outside of one.
    """
    with suppress(OSError):
        return (_LIBRARY.parents[2] / "REVISION").read_text().strip()
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=_LIBRARY,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
