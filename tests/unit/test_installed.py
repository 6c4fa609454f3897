"""`pip install .` in an empty environment gives the face and the command, anywhere."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Where the project is installed for its tests must not answer for it.
CLEAN = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(program, *arguments, cwd):
    return subprocess.run(
        [str(program), *arguments], cwd=cwd, env=CLEAN, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The programs of an environment that has the project's dependencies, and the project from a
    wheel.
    """
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "workflow"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in ("pyproject.toml", "README.md", "LICENSE", *filter(None, found.split("\0"))):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name, follow_symlinks=False)
    made = run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"), cwd=folder)
    assert made.returncode == 0, made.stderr
    programs = folder / "venv/bin"
    place = sysconfig.get_path("purelib", vars={"base": str(folder / "venv")})
    # Only what it depends on: links of editable installs in there are not followed.
    (Path(place) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed", "--quiet"]
    pip = ["-m", "pip", "--disable-pip-version-check", "install", *options]
    done = run(programs / "python", *pip, str(source), cwd=folder)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    return programs


def test_it_gives_the_face(environment, tmp_path):
    code = (
        "import ewc_lambda\n"
        "print(ewc_lambda.__file__)\n"
        "print([getattr(ewc_lambda, name).__name__ for name in ewc_lambda.__all__])\n"
        "from ewc_lambda.config.study_config import resolve\n"
        "print(resolve({'trials': 3})['trials'])"
    )
    done = run(environment / "python", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    where, names, trials = done.stdout.splitlines()
    assert Path(where).is_relative_to(environment.parent)
    assert "'best_lambda'" in names
    assert trials == "3", "the schema was not installed"


def test_it_gives_the_command(environment, tmp_path):
    program = environment / "ewc-lambda"
    study = str(ROOT / "results/reference/digits/study.h5")
    done = run(program, "summary", study, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Study digits: 10 trials of 1 replicate")
    assert run(program, "pack", study, cwd=tmp_path).stdout == "digits.tar: packed\n"
    assert run(program, "unpack", "digits.tar", cwd=tmp_path).returncode == 0
    done = run(program, "verify", "digits", cwd=tmp_path)
    assert "study.h5 is as it was written" in done.stdout, done.stderr


def test_a_command_of_the_project_says_where_to_run_it(environment, tmp_path):
    done = run(environment / "ewc-lambda", "config-table", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Run this in the project's folder" in done.stderr
