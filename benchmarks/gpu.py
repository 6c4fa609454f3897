"""What a GPU makes of a study: the same results as the CPU? In how much time and memory?

    PYTHONPATH=workflow/scripts python benchmarks/gpu.py [--data-folder FOLDER] [--tiny]

Needs what is in the repository and a Python with torch, numpy, pandas, h5py, scipy, pyyaml and
safetensors; a folder with MNIST, else random images of its shape; and pytest for the first part
alone. Each part is a program of its own with a time limit, so one that hangs, or is too large for
the card, takes none of the others with it; all limits together are under 9 minutes. ``--tiny``
shrinks every part and runs it on the CPU where no GPU is to be seen: it tries the script, not a
card, and its times mean nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch
from shared import gpu_parts

ROOT = Path(__file__).parents[1]
# Seconds of each part.
LIMITS = {
    "tests": 60,
    "compare": 60,
    "graphs": 40,
    "default_study": 60,
    "fisher": 40,
    "published": 240,
}
# Those that are skipped without a GPU.
TESTS = ["pytest", "tests/unit/learning/test_cuda_graphs.py", "-q", "-rs", "-k", "change_no_bit"]


def main() -> int:
    """Command line: see above. 1 if a part failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data-folder", default="data", help="where the MNIST files lie")
    parser.add_argument("--tiny", action="store_true", help="shrunk, on the CPU without a GPU")
    parser.add_argument("--part", choices=list(LIMITS), help="this one alone, in this process")
    given = parser.parse_args()
    if not (torch.cuda.is_available() or given.tiny):
        sys.exit("torch sees no GPU on this machine; --tiny tries the script on the CPU")
    if given.part:
        begin = time.monotonic()
        work = gpu_parts.Work(given.data_folder, given.tiny, LIMITS[given.part], begin)
        for line in getattr(gpu_parts, given.part)(work):
            print(f"  {line}", flush=True)
        return 0
    print(gpu_parts.card(), flush=True)
    failed = [name for name in LIMITS if not passed(name)]
    print(f"failed: {', '.join(failed)}" if failed else "all parts ended well")
    return 1 if failed else 0


def passed(name: str) -> bool:
    """Run a part in a program of its own; whether it ended well within its limit."""
    command = [sys.executable, *sys.argv, "--part", name]
    if name == "tests":
        command = [sys.executable, "-m", *TESTS]
    print(f"{name}, at most {LIMITS[name]} s", flush=True)
    begin = time.monotonic()
    if name == "tests" and not gpu_parts.has_pytest():
        print("  left out: there is no pytest")
        return True
    try:
        done = subprocess.run(command, cwd=ROOT, timeout=LIMITS[name])
    except subprocess.TimeoutExpired:
        print(f"  not ended after {LIMITS[name]} s", flush=True)
        return False
    print(f"  {time.monotonic() - begin:.0f} s, start-up included", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
