"""The ready studies: each makes a plan, or says at once which files it misses."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from scratch import ROOT, Scratch

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.data.sources import DATASETS
from ewc_lambda.results.decided import trials_at

STUDIES = sorted((ROOT / "config/studies").glob("*.yaml"))
CONFIGS = {path.stem: resolve(yaml.safe_load(path.read_text())) for path in STUDIES}
OWN_FILES = [name for name, c in CONFIGS.items() if DATASETS[c["dataset"]].find is not None]
OWN_PYTHON = [name for name, c in CONFIGS.items() if c["trainer_python"] is not None]
FOLDERS = {
    "beans": ("angular_leaf_spot", "bean_rust", "healthy"),
    "intel_scenes": ("buildings", "forest", "glacier", "mountain", "sea", "street"),
    "image_folder": tuple("abcdef"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Scratch.create(tmp_path_factory.mktemp("studies") / "project")


def dry_run(project, name, *config):
    given = ("--config", *config) if config else ()
    return project.run("--dry-run", "--configfile", f"config/studies/{name}.yaml", *given)


def pictures(folder: Path, classes):
    generator = np.random.default_rng(0)
    for split, count in (("train", 12), ("test", 3)):
        for name in classes:
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(256, size=(9, 7, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    return folder


def test_every_data_set_has_a_ready_study():
    # The default study is the one of digits; one serves for all data sets of the same files.
    ready = {config["dataset"] for config in CONFIGS.values()}
    files = {file for name in ready for file in DATASETS[name].files}
    assert ready <= set(DATASETS)
    for name in set(DATASETS) - ready:
        assert set(DATASETS[name].files) & files, name
    assert {"permuted_mnist", "custom_model", "beans", "intel_scenes"} <= set(CONFIGS)


def test_a_study_is_named_as_its_file():
    assert all(config["study"] == name for name, config in CONFIGS.items())


@pytest.mark.workflow
@pytest.mark.parametrize("name", sorted(set(CONFIGS) - set(OWN_FILES) - set(OWN_PYTHON)))
def test_a_study_makes_a_plan(project, name):
    done = dry_run(project, name)
    assert done.status == 0, done.text
    assert re.search(r"^prepare_data +1$", done.text, re.MULTILINE)
    trials = trials_at(CONFIGS[name], [])
    assert re.search(rf"^create_base_model +{trials}$", done.text, re.MULTILINE)


@pytest.mark.workflow
@pytest.mark.parametrize("name", OWN_PYTHON)
def test_a_study_without_its_python_says_so_before_anything_runs(project, name):
    done = dry_run(project, name)
    assert done.status != 0
    assert f"config: trainer_python: {CONFIGS[name]['trainer_python']}: no such" in done.text
    done = dry_run(project, name, f"trainer_python={sys.executable}")
    assert done.status == 0, done.text


@pytest.mark.workflow
@pytest.mark.parametrize("name", OWN_FILES)
def test_a_study_without_its_files_says_so_before_anything_runs(project, name, tmp_path):
    config = CONFIGS[name]
    done = dry_run(project, name)
    assert done.status != 0
    key = "npz_file" if config["dataset"] == "npz" else "data_folder"
    assert re.search(rf"config: {key}: .*{config['data_folder']}", done.text), done.text
    assert "Traceback" not in done.text
    if config["dataset"] == "npz":
        x, y = np.random.default_rng(1).random((60, 4)), np.arange(60) % 6
        np.savez(tmp_path / config["npz_file"], x_train=x, y_train=y, x_test=x + 1, y_test=y)
    else:
        pictures(tmp_path, ["a"])
    done = dry_run(project, name, f"data_folder={tmp_path}")
    assert done.status == 0, done.text


@pytest.mark.parametrize("name", FOLDERS)
def test_the_classes_of_a_picture_study_are_those_of_its_folders(name, tmp_path):
    config = {**CONFIGS[name], "data_folder": str(pictures(tmp_path, FOLDERS[name]))}
    scenario = build_scenario(config)
    side = config["image_size"]
    assert scenario.input_shape == (3, side, side)
    listed = {label for task in scenario.tasks for label in task.classes}
    assert listed == set(FOLDERS[name])


def test_the_command_of_own_data_writes_what_the_npz_study_reads(tmp_path):
    page = (ROOT / "docs/own-data.md").read_text()
    command = re.search(r"^```\n(python -c .*?)^```", page, re.MULTILINE | re.DOTALL)[1]
    program, *arguments = shlex.split(command)
    assert program == "python"
    subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=True)
    config = CONFIGS["npz"]
    scenario = build_scenario({**config, "data_folder": str(tmp_path / config["data_folder"])})
    assert [task.classes for task in scenario.tasks] == [("0", "1", "2"), ("3", "4", "5")]
    assert scenario.input_shape == (10,)
