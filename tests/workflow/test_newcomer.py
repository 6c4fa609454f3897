"""The newcomer's path: every command of docs/getting-started.md, in its order, as it is written.

It trains the default study, so `make test` leaves it out: `pytest -m newcomer`.
"""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from documented import blocks, commands
from scratch import ROOT
from test_documentation import write_own_arrays

PAGE = ROOT / "docs/getting-started.md"
BIN = Path(sys.executable).parent
# Ten minutes on two cores that do nothing else.
MOST = float(os.environ.get("NEWCOMER_SECONDS", "600"))
# MNIST, where a folder has it: no test downloads anything.
MNIST = os.environ.get("NEWCOMER_DATA")


@pytest.fixture
def clone(tmp_path):
    """A fresh clone whose environment is the one that runs the tests."""
    folder = tmp_path / "ewc-lambda"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    (folder / ".venv").symlink_to(BIN.parent)
    (own,) = [block for block in blocks(PAGE) if "# my_study.yaml" in block.text]
    data = f"data_folder: {MNIST}"
    (folder / "my_study.yaml").write_text(own.text.replace("data_folder: data", data))
    write_own_arrays(folder)
    return folder


def words_of(command):
    """A command as a program's words; make takes what is installed for what it would install."""
    words = shlex.split(command)
    if words[0] == "make":
        words += [w for name in ("snakemake", "pytest") for w in ("-o", f".venv/bin/{name}")]
        words += ["EWC_LAMBDA=.venv/bin/python -m ewc_lambda"]
    return words


def in_order(page):
    """The page's commands for a shell, in its order, without those that name another file."""
    known = set(commands(page))
    lines = [line for b in blocks(page) if b.language in ("", "sh") for line in b.text.splitlines()]
    return [" ".join(line.split()) for line in lines if " ".join(line.split()) in known]


@pytest.mark.newcomer
@pytest.mark.workflow
@pytest.mark.timeout(3 * MOST)
def test_every_command_of_the_start_page_works_in_its_order_in_ten_minutes(clone):
    begun, said = time.monotonic(), {}
    path = f"{clone / '.venv/bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(clone / "workflow/scripts")}
    for command in in_order(PAGE):
        if not MNIST and ("mnist" in command or "my_study" in command):
            continue
        done = subprocess.run(
            words_of(command), cwd=clone, env=environment, capture_output=True, text=True
        )
        said[command] = done.stdout + done.stderr
        assert done.returncode == 0, said[command]
        assert "Traceback" not in said[command]
    taken = time.monotonic() - begun
    study = said["make study"]
    assert len(study.encode()) < 25_000
    assert "Study digits: " in "\n".join(study.splitlines()[-15:])
    assert "lambda to use" in said["make summary"]
    for name in ("digits_report.html", "results/first_try/study.h5", "results/mine/study.h5"):
        assert (clone / name).is_file(), name
    assert taken < MOST, f"{taken:.0f} s"
