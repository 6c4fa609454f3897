"""CPU time and peak memory of reading, splitting and writing a study's data.

    python benchmarks/prepare.py config/studies/published.yaml --data-folder data

The limit of the project for MNIST on one core: 2 s of CPU time without imports, and 600 MB.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from ewc_lambda.config.study_config import load
from ewc_lambda.data.prepared import write_prepared
from ewc_lambda.data.scenarios import build_scenario


def main() -> None:
    """Command line: see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("study", help="config of the study")
    parser.add_argument("--data-folder", default="data", help="where its files lie")
    options = parser.parse_args()
    config = {**load(options.study), "data_folder": options.data_folder}
    began = time.process_time()
    scenario = build_scenario(config)
    read = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        write_prepared(Path(folder) / "data.h5", scenario, {"code_sha256": "c", "config": {}})
    written = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("s CPU to read and split  s CPU to write  peak MiB")
    print(f"{read - began:23.2f}  {written - read:14.2f}  {peak:8.0f}")


if __name__ == "__main__":
    main()
