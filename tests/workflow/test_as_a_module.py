"""The workflow as a part of another one: a module of it, from a clone, from git, as snakedeploy
writes it; and what it is missing there.
"""

import json
import os
import re
import shutil
import subprocess
import tomllib

import pytest
from scratch import ROOT, Scratch
from troubleshooting import documented

pytestmark = pytest.mark.workflow

BASE = "results/small/trial_0/base_model.json"
MODULE = """
configfile: "config/config.yaml"

module study:
    snakefile: {snakefile}
    config: config
    {option}

use rule * from study as study_*
"""


def committed(folder):
    """Make a folder a git repository of all its files."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], cwd=folder, check=True)


def head(folder):
    """The commit of a repository."""
    ask = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(ask, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def module_of(scratch, snakefile, option=""):
    """Let the project be used as a module by another workflow."""
    imports = "from snakemake.sourcecache import LocalGitFile\n"
    text = imports + MODULE.format(snakefile=snakefile, option=option)
    (scratch.folder / "module.smk").write_text(text)


def test_a_module_whose_paths_are_replaced_is_refused_in_one_line(tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    module_of(scratch, "'workflow/Snakefile'", "replace_prefix: {'results/': 'other/'}")
    done = scratch.run("--dry-run", "--snakefile", "module.smk")
    assert done.status != 0
    assert "replace_prefix: not with this module" in done.text
    assert len(documented(done.text)) == 1


def test_a_module_of_a_repository_that_lacks_the_library_says_so(tmp_path):
    scratch = Scratch.create(tmp_path / "project")
    module_of(scratch, "LocalGitFile('other', path='workflow/Snakefile', ref='HEAD')")
    other = scratch.folder / "other"
    for name in ("Snakefile", "rules/python.smk"):
        target = other / "workflow" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / "workflow" / name, target)
    committed(other)
    done = scratch.run("--dry-run", "--snakefile", "module.smk")
    assert done.status != 0
    assert "module: the library could not be taken out of the repository" in done.text
    assert len(documented(done.text)) == 1


@pytest.mark.parametrize("given", ["config: config", ""])
def test_a_module_without_a_config_is_told_how_to_give_it_one(tmp_path, given):
    scratch = Scratch.create(tmp_path / "project")
    (scratch.folder / "config/config.yaml").unlink()
    text = MODULE.format(snakefile="'workflow/Snakefile'", option="")
    text = text.replace('configfile: "config/config.yaml"', "").replace("config: config", given)
    (scratch.folder / "module.smk").write_text(text)
    done = scratch.run("--dry-run", "--snakefile", "module.smk")
    assert done.status != 0
    said = "config: this module was given none." if given else "config/config.yaml: not in"
    assert said in done.text
    assert len(documented(done.text)) == 1


@pytest.mark.parametrize("prefix", ["", "sub"])
@pytest.mark.parametrize("source", ["clone", "git"])
def test_a_module_runs_with_a_prefix_and_straight_from_git(tmp_path, source, prefix):
    project = Scratch.create(tmp_path / "project")
    scratch = Scratch(tmp_path / "user")
    (scratch.folder / "config").mkdir(parents=True)
    shutil.copy2(project.folder / "config/config.yaml", scratch.folder / "config")
    # Nothing but the repository brings the library.
    scratch.environment["PYTHONPATH"] = ""
    snakefile = f"'{project.folder}/workflow/Snakefile'"
    if source == "git":
        committed(project.folder)
        snakefile = f"LocalGitFile('{project.folder}', path='workflow/Snakefile', ref='HEAD')"
    module_of(scratch, snakefile, f"prefix: '{prefix}'" if prefix else "")
    below = f"{prefix}/" if prefix else ""
    target = f"{below}results/small/trial_0/first_task.h5"
    done = scratch.run("--snakefile", "module.smk", target)
    assert done.status == 0, done.text
    assert len(done.jobs) == 3
    assert (scratch.folder / target).exists()
    assert (scratch.folder / f"{below}logs/small/prepare_data.log").exists()
    if prefix:
        assert not (scratch.folder / "results").exists()
    if source == "git":
        made = json.loads((scratch.folder / f"{below}{BASE}").read_text())["provenance"]
        assert made["revision"] == head(project.folder)
    # What it planned by is what it made.
    assert "Nothing to be done" in scratch.run("--snakefile", "module.smk", target).text


# What snakedeploy 0.17.1 writes, but for its comments.
DEPLOYED = """
configfile: "config/config.yaml"

module ewc_lambda:
    snakefile:
        github("OWNER/ewc-lambda", path="workflow/Snakefile", tag="v0.1.0")
    config:
        config

use rule * from ewc_lambda
"""


def test_a_workflow_that_snakedeploy_wrote_runs(tmp_path):
    project = Scratch.create(tmp_path / "project")
    committed(project.folder)
    subprocess.run(["git", "tag", "v0.1.0"], cwd=project.folder, check=True)
    scratch = Scratch(tmp_path / "user")
    for name in ("config", "profiles"):
        shutil.copytree(project.folder / name, scratch.folder / name)
    (scratch.folder / "workflow").mkdir()
    (scratch.folder / "workflow/Snakefile").write_text(DEPLOYED)
    # Git takes the repository for the one at the host.
    scratch.environment |= {
        "PYTHONPATH": "",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{project.folder}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/OWNER/ewc-lambda",
    }
    done = scratch.run(BASE)
    assert done.status == 0, done.text
    made = json.loads((scratch.folder / BASE).read_text())["provenance"]
    assert made["revision"] == head(project.folder)


HIDING = """
from importlib import metadata

real = metadata.version


def version(name):
    if name in NAMES:
        raise metadata.PackageNotFoundError(name)
    return real(name)


metadata.version = version
"""


@pytest.mark.parametrize(
    ("hidden", "options", "named"),
    [
        (["h5py", "torch"], [], "packages: h5py, torch not"),
        (["h5py", "torch"], ["--sdm", "conda"], "packages: h5py not"),
    ],
)
def test_packages_that_are_missing_beside_snakemake_are_named(tmp_path, hidden, options, named):
    scratch = Scratch.create(tmp_path / "project")
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch/sitecustomize.py").write_text(HIDING.replace("NAMES", repr(hidden)))
    own = scratch.environment["PYTHONPATH"]
    scratch.environment["PYTHONPATH"] = os.pathsep.join([own, str(tmp_path / "patch")])
    done = scratch.run("--dry-run", *options)
    assert done.status != 0
    assert named in done.text
    assert len(documented(done.text)) == 1


def test_all_packages_of_the_project_are_missed_where_they_are_missing():
    """But for those that Snakemake itself needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[<>=]", name)[0] for name in project["dependencies"]}
    text = (ROOT / "workflow/rules/python.smk").read_text()
    listed = re.findall(r"^(?:PLANS|TRAINS) = (\[.*\])$", text, re.MULTILINE)
    missed = {name for names in listed for name in json.loads(names)}
    assert names - missed == {"jsonschema", "pygments", "pyyaml", "snakemake"}
    assert missed <= names
