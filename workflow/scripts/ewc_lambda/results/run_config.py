"""The config of a study's latest run, beside its results: a study is then known by its name alone,
whatever was set on the command line.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from ewc_lambda.results.files import Files
from ewc_lambda.store.replacing import replacing

RUN_CONFIG = "config.yaml"


def note_config(files: Files) -> None:
    """Write down the config with which a run of the study begins.

    Raises:
        StudyError: it cannot be written.

    """
    text = "# The latest run's, every key. Again: snakemake --cores all --configfile FILE\n"
    # Whether to replace what is there is asked of each run.
    config = {key: value for key, value in files.config.items() if key != "replace"}
    text += yaml.safe_dump(config, default_flow_style=None, allow_unicode=True)
    path = Path(files.folder, RUN_CONFIG)
    # Its time tells which study was run last.
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def latest_study(results: Path) -> str | None:
    """The study that was run last, of those whose results lie in a folder."""
    found = list(results.glob(f"*/{RUN_CONFIG}"))
    return max(found, key=lambda path: path.stat().st_mtime).parent.name if found else None
