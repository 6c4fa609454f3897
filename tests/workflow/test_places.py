"""Folders and machines as people have them: where the project lies and what its Python finds."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from scratch import ROOT, Running, Scratch
from troubleshooting import documented

pytestmark = pytest.mark.workflow

BASE = "results/small/trial_0/base_model.json"
# A disk without rights, as Python sees it: nothing on it changes its mode.
REFUSING = """
import os

real = os.chmod


def chmod(path, *arguments, **options):
    if not isinstance(path, int) and os.path.realpath(path).startswith("DISK"):
        raise PermissionError(1, "Operation not permitted", path)
    return real(path, *arguments, **options)


os.chmod = chmod
"""


def python_in(folder: Path) -> Path:
    """A Python of its own in a folder, with the packages of this one."""
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder / ".venv")]
    subprocess.run(command, check=True)
    python = folder / ".venv/bin/python"
    ask = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    Path(own, "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.parametrize("name", ["my study", "a (copy) & it's"])
def test_a_checkout_and_its_python_lie_in_a_folder_of_any_name(tmp_path, name):
    scratch = Scratch.create(tmp_path / name)
    python = python_in(scratch.folder)
    done = Running(scratch, [str(python), "-m", "snakemake", "--cores", "1", BASE]).wait()
    assert done.status == 0, done.text
    assert len(done.jobs) == 2


def test_packages_of_a_module_system_are_named_before_anything_runs(tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    (tmp_path / "modules/h5py").mkdir(parents=True)
    (tmp_path / "modules/h5py/__init__.py").write_text("raise ImportError\n")
    own = scratch.environment["PYTHONPATH"]
    scratch.environment["PYTHONPATH"] = os.pathsep.join([own, str(tmp_path / "modules")])
    done = scratch.run()
    assert done.status != 0
    assert not done.jobs
    assert "PYTHONPATH: has a h5py that Python takes in place of the installed one." in done.text
    assert len(documented(done.text)) == 1


@pytest.fixture
def refusing(tmp_path):
    """A project, and how to make a folder one on a disk that refuses rights."""
    scratch = Scratch.create(tmp_path / "project")

    def refuse(disk):
        (tmp_path / "patch").mkdir()
        text = REFUSING.replace("DISK", str(disk))
        (tmp_path / "patch/sitecustomize.py").write_text(text)
        own = scratch.environment["PYTHONPATH"]
        scratch.environment["PYTHONPATH"] = os.pathsep.join([own, str(tmp_path / "patch")])

    return scratch, refuse


def test_results_on_a_disk_that_refuses_rights_work(refusing, tmp_path):
    scratch, refuse = refusing
    (tmp_path / "share").mkdir()
    (scratch.folder / "results").symlink_to(tmp_path / "share")
    refuse(tmp_path / "share")
    done = scratch.run(BASE)
    assert done.status == 0, done.text
    assert os.access(scratch.folder / BASE, os.W_OK)
    assert documented(done.text) == []


def test_a_checkout_on_a_disk_that_refuses_rights_is_told_where_to_go(refusing):
    """Snakemake cannot keep its records there."""
    scratch, refuse = refusing
    refuse(scratch.folder)
    done = scratch.run(BASE)
    assert done.status != 0
    assert not done.jobs
    assert "this disk refuses to change the rights of files (SMB and FUSE may), and" in done.text
    assert len(documented(done.text)) == 1


def test_snakemake_needs_no_home_that_can_be_written_to(tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    scratch.environment |= {"HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none"}
    done = scratch.start(BASE).wait()
    assert done.status == 0, done.text


def test_results_that_are_not_where_they_were_are_missed_before_anything(tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    results = scratch.folder / "results"
    results.symlink_to("/absent/results")
    done = scratch.run()
    assert done.status != 0
    assert not done.jobs
    assert "results: is a link to /absent/results, which is not there. Mount the disk" in done.text
    results.unlink()
    results.write_text("mine")
    done = scratch.run()
    assert done.status != 0
    assert not done.jobs
    assert "results: is a file where a folder is needed." in done.text
    assert len(documented(done.text)) == 1
    assert results.read_text() == "mine"


def test_make_needs_no_home_that_can_be_written_to():
    environment = {**os.environ, "HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none"}
    command = ["make", "--no-print-directory", "VENV=.venv", "--old-file=.venv/bin/snakemake"]
    done = subprocess.run(
        [*command, f"SNAKEMAKE={sys.executable} -m snakemake --dry-run --quiet", "study"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_make_takes_no_packages_of_a_module_system():
    rule = "--eval=shown: ; @echo .$$PYTHONPATH."
    environment = {**os.environ, "PYTHONPATH": "/modules"}
    done = subprocess.run(
        ["make", "--no-print-directory", rule, "shown"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ".."


@pytest.fixture
def elsewhere(tmp_path):
    """A project, a folder that is none, and how to run a command there."""
    scratch = Scratch.create(tmp_path / "project")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "mine.yaml").write_text("study: mine\n")

    def run(module, *arguments):
        command = [sys.executable, "-m", module, *arguments]
        env = {**os.environ, **scratch.environment}
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return scratch, folder, run


NOT_HERE = "config/config.yaml: not in {}. Config and results are looked for from the folder that"


@pytest.mark.parametrize("given", [(), ("--configfile", "mine.yaml")])
def test_a_snakefile_named_from_elsewhere_is_told_where_its_config_is_looked_for(elsewhere, given):
    scratch, folder, run = elsewhere
    snakefile = str(scratch.folder / "Snakefile")
    status, text = run("snakemake", "--cores", "1", "-n", "-s", snakefile, *given)
    assert status != 0
    assert NOT_HERE.format(folder) in text
    assert len(documented(text)) == 1
    assert "Traceback" not in text


@pytest.mark.parametrize("given", [("summary",), ("summary", "small"), ("verify", "mine.yaml")])
def test_a_command_elsewhere_says_the_same(elsewhere, given):
    _, folder, run = elsewhere
    status, text = run("ewc_lambda", *given)
    assert status == 1
    assert NOT_HERE.format(folder) in text
    assert len(documented(text)) == 1


def test_a_directory_is_where_all_is_looked_for(elsewhere):
    scratch, folder, run = elsewhere
    asked = ("--cores", "1", "-n", "-s", str(scratch.folder / "Snakefile"))
    there = ("--directory", str(scratch.folder))
    status, text = run("snakemake", *asked, *there)
    assert status == 0, text
    assert "results/small/trial_0" in text
    # The path of a config counts from where the command is given.
    status, text = run("snakemake", *asked, *there, "--configfile", "mine.yaml")
    assert status == 0, text
    assert "results/mine/trial_0" in text
    assert sorted(path.name for path in folder.iterdir()) == ["mine.yaml"]
