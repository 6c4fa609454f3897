"""The project's command, run as its reader would, with this checkout's library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# An installed library may be another checkout's.
OWN_LIBRARY = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}


def ewc_lambda(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run ``ewc-lambda`` with these words."""
    command = [sys.executable, "-m", "ewc_lambda", *words]
    return subprocess.run(command, cwd=cwd, env=OWN_LIBRARY, capture_output=True, text=True)


def modules_after(code: str) -> set[str]:
    """All modules that a program has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('modules', *sys.modules)"],
        env=OWN_LIBRARY,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())
