"""Where a result comes from: versions, revision, and a digest of the code that made it."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ewc_lambda.errors import StudyError

_LIBRARY = Path(__file__).parents[1]
_PACKAGES = ("h5py", "numpy", "safetensors", "snakemake", "torch")


@functools.cache
def code_digest(*scripts: str, files: tuple[str, ...] = ()) -> str:
    """SHA-256 over scripts of ``workflow/scripts`` and every module of the library that they
    import, directly or not, and over ``files`` of the user's: a change of any of them is a reason
    to run the rule again. Named are a rule's own script, those that made what it starts from, and
    modules that the script loads by their names (``ewc_lambda/reporting/plotting/bracket``).
    """
    found: dict[str, bytes] = {}
    waiting = [_LIBRARY.parent / f"{script}.py" for script in scripts]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(_LIBRARY.parent).as_posix()
        if name not in found:
            found[name] = path.read_bytes()
            waiting += _imports(path, found[name])
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(name.encode() + b"\0" + hashlib.sha256(found[name]).digest())
    for file in files:
        digest.update(hashlib.sha256(Path(file).read_bytes()).digest())
    return digest.hexdigest()


def model_files(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The files of the user's that the model of a study is made by: one, or none.

    Raises:
        StudyError: it cannot be read.

    """
    if config.get("model") != "custom":
        return ()
    path = Path(config["model_file"])
    try:
        path.read_bytes()
    except OSError as error:
        raise StudyError(
            f"model_file: {path} cannot be read ({error.strerror}); it is looked for from the "
            "folder in which Snakemake runs"
        ) from None
    return (str(path),)


def provenance(code: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What every result file carries: ``code`` (of `code_digest`), the part of the config that
    the result depends on, versions, git revision and instruction set. No time, no host. And the
    SHA-256 of the user's own model, where there is one.
    """
    models = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in model_files(config)]
    own = {"model_sha256": models[0]} if models else {}
    return {
        "code_sha256": code,
        "config": dict(config),
        "versions": {"python": platform.python_version()}
        | {package: metadata.version(package) for package in _PACKAGES},
        "revision": _revision(),
        "machine": platform.machine(),
        **own,
    }


def recipe_of(provenance: Mapping[str, Any]) -> str:
    """SHA-256 of the code and config that a result was made by: equal for two results that may
    stand for each other, on the same machine.
    """
    recipe = {"code": provenance["code_sha256"], "config": provenance["config"]}
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


@functools.cache
def _revision() -> str:
    """Git revision of the project, or "unknown" outside a checkout of it."""
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


# Rules share most of their modules, and parsing them anew for each took most of a dry run.
@functools.cache
def _imports(path: Path, text: bytes) -> list[Path]:
    modules = []
    package = path.relative_to(_LIBRARY.parent).parent.parts
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        modules += [name for name in names if name.startswith("ewc_lambda")]
    # Python runs the faces of the packages around a module, too. The library's own is left out: it
    # holds the version and the names for people, which no result depends on.
    for module in set(modules):
        parts = module.split(".")
        modules += [".".join(parts[:n]) for n in range(2, len(parts))]
    paths = []
    for module in modules:
        base = _LIBRARY.parent / Path(*module.split("."))
        paths += [p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()]
    return paths
