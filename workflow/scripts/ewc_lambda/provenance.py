"""Where a result comes from: versions, revision, and a digest of the code that made it."""

from __future__ import annotations

import ast
import functools
import hashlib
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

_LIBRARY = Path(__file__).parent
_PACKAGES = ("h5py", "numpy", "safetensors", "snakemake", "torch")


@functools.cache
def code_digest(script: str) -> str:
    """SHA-256 over a script of ``workflow/scripts`` and every module of the library that it
    imports, directly or not: a change of any of them is a reason to run the rule again.
    """
    start = _LIBRARY.parent / f"{script}.py"
    found: dict[str, bytes] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(_LIBRARY.parent).as_posix()
        if name not in found:
            found[name] = path.read_bytes()
            waiting += _imports(found[name])
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(name.encode() + b"\0" + hashlib.sha256(found[name]).digest())
    return digest.hexdigest()


def provenance(code: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What every result file carries: ``code`` (of `code_digest`), the part of the config that
    the result depends on, versions, git revision and instruction set. No time, no host.
    """
    return {
        "code_sha256": code,
        "config": dict(config),
        "versions": {"python": platform.python_version()}
        | {package: metadata.version(package) for package in _PACKAGES},
        "revision": _revision(),
        "machine": platform.machine(),
    }


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


def _imports(source: bytes) -> list[Path]:
    modules = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ewc_lambda"):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("ewc_lambda")]
        else:
            continue
        modules += names
    paths = []
    for module in modules:
        base = _LIBRARY.parent / Path(*module.split("."))
        paths += [p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()]
    return paths
