"""The container's definition is in step with the project, and its entry says what would be lost."""

import re
import stat
import subprocess
import tomllib
from pathlib import Path, PurePath

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEFINITION = (ROOT / "container/Containerfile").read_text()
ENTRY = ROOT / "container/entry.sh"
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()


def ignore_lines():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def taken(path):
    """Whether .dockerignore lets a file into the image: the last line that matches decides."""
    found = True
    for line in ignore_lines():
        pattern = line.removeprefix("!")
        parts = PurePath(path).parts
        # A pattern that matches a folder is one for all that is in it.
        starts = [PurePath(*parts[: n + 1]) for n in range(len(parts))]
        if pattern.startswith("**/"):
            matches = any(PurePath(part).match(pattern[3:]) for part in parts)
        else:
            matches = pattern == "*" or PurePath(pattern) in starts
        if matches:
            found = line.startswith("!")
    return found


def test_python_is_one_that_is_supported_and_tested():
    base = re.search(r"^ARG BASE=python:(\d+)\.(\d+)-slim$", DEFINITION, re.MULTILINE)
    version = f"{base[1]}.{base[2]}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest = project["requires-python"].removeprefix(">=")
    assert [int(n) for n in version.split(".")] >= [int(n) for n in lowest.split(".")]
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert version in matrix["jobs"]["test"]["strategy"]["matrix"]["python"]


def test_packages_are_the_pinned_ones():
    assert len(re.findall(r"\bpip install\b", DEFINITION)) == 1
    assert re.search(r"pip install .*--constraint constraints\.txt --editable \. ", DEFINITION)


def test_what_the_image_gets_is_there():
    names = [line[1:] for line in ignore_lines() if line.startswith("!")]
    tops = {PurePath(name).parts[0] for name in TRACKED}
    assert set(names) <= tops
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"pyproject.toml", "constraints.txt", project["readme"]} <= set(names)


def test_the_image_gets_all_that_a_run_reads():
    read = ("workflow/", "config/", "profiles/", "envs/", "container/")
    missing = [name for name in TRACKED if name.startswith(read) and not taken(name)]
    assert missing == []
    assert taken("Snakefile")
    assert taken("workflow/scripts/ewc_lambda/results/runs.py")


@pytest.mark.parametrize(
    "name",
    [
        ".git/HEAD",
        ".venv/bin/python",
        ".snakemake/log/a.log",
        "data/mnist/a.gz",
        "results/digits/study.h5",
        "benchmarks/results/digits/a.tsv",
        "workflow/scripts/ewc_lambda/__pycache__/a.pyc",
        "workflow/scripts/ewc_lambda.egg-info/PKG-INFO",
        "tests/conftest.py",
    ],
)
def test_the_image_gets_nothing_of_what_was_made_here(name):
    assert not taken(name)


def test_paths_are_the_same_wherever_they_are_named():
    folder = re.search(r"^WORKDIR (.*)$", DEFINITION, re.MULTILINE)[1]
    entry = re.search(r'^ENTRYPOINT \["(.*)"\]$', DEFINITION, re.MULTILINE)[1]
    assert entry == f"{folder}/{ENTRY.relative_to(ROOT)}"
    assert ENTRY.stat().st_mode & stat.S_IXOTH
    text = ENTRY.read_text()
    assert f"' {folder} '" in text
    assert text.count(f"{folder}/results") == 2
    page = (ROOT / "docs/cluster.md").read_text()
    assert f":{folder}/results" in page


def test_results_that_no_folder_was_mounted_for_are_said_to_be_lost():
    done = subprocess.run([ENTRY, "echo", "a b"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "a b\n")
    assert done.stderr.startswith("results: are lost with this container.")
    assert len(done.stderr.splitlines()) == 1


def test_the_exit_status_is_the_commands():
    done = subprocess.run([ENTRY, "sh", "-c", "exit 7"], capture_output=True, check=False)
    assert done.returncode == 7
