"""docs/troubleshooting.md says what is really said: each message is provoked."""

import errno
import logging
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from custom_models import HEAD, SHAPE, body
from in_process import files_of, run
from made_up_scenarios import build, config
from made_up_studies import made_up_study
from own_trainers import OWN
from own_trainers import written as written_trainer
from PIL import Image
from troubleshooting import documented, messages

from ewc_lambda.config.own_trainer import check_python
from ewc_lambda.config.study_config import resolve
from ewc_lambda.config.written import check_keys
from ewc_lambda.data.prepared import read_prepared, write_prepared
from ewc_lambda.data.sources import DATASETS, mnist
from ewc_lambda.data.sources.task_list import class_indices
from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.agreement import SameCode
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.networks.models import build_network
from ewc_lambda.reporting.summary import summary
from ewc_lambda.store.lock import hold
from ewc_lambda.store.records import write_json
from ewc_lambda.upkeep.plan import Plan

# Provoked by whole runs, in tests/workflow/test_places.py and test_as_a_module.py.
RUNS = (
    "config/config.yaml: not in",
    "PYTHONPATH: ",
    "tasks: has one task",
    "…: the trunk begins",
    "results: is a link",
    "…: is a file where",
    "…: this disk refuses",
    "replace_prefix: ",
    "module: ",
    "config: this module",
    "packages: ",
)


def npz(folder, x=None, y=None, y_test=None, repeated=False, **changes):
    """The scenario of an .npz of four classes, but for what is given; ``repeated`` as its test."""
    y = np.repeat(np.arange(4), 10) if y is None else y
    x = np.random.default_rng(0).normal(size=(len(y), 3)) if x is None else x
    y_test = y if y_test is None else y_test
    x_test = x[: len(y_test)] if repeated else -x[: len(y_test)]
    np.savez(folder / "own.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    given = {"npz_file": str(folder / "own.npz"), "tasks": [[0, 1], [2, 3]], **changes}
    return build(dataset="npz", **given)


def written(folder, text):
    (folder / "mine.yaml").write_text(text)
    check_keys(folder / "mine.yaml")


def bytes_of(folder, content):
    (folder / "own.npz").write_bytes(content)
    DATASETS["npz"].load({"npz_file": str(folder / "own.npz"), "data_folder": "."})


def regression(folder):
    scenario = npz(folder, y=np.linspace(0, 1, 40), tasks=["all"])
    write_prepared(folder / "data.h5", scenario, {"code_sha256": "c", "config": {}})
    build_problem(config(), read_prepared(folder / "data.h5"))


def model(folder, text):
    (folder / "mine.py").write_text(text)
    chosen = {"model": "custom", "model_file": str(folder / "mine.py"), "heads": "per_task"}
    build_network(resolve(chosen), SHAPE, [3, 3])


def pictures(folder, **others):
    for split in ("train", "test"):
        (folder / split / "a").mkdir(parents=True)
        Image.new("RGB", (4, 4), 1 if split == "train" else 2).save(folder / split / "a/1.png")
    for name, content in others.items():
        (folder / "train/a" / name.replace("_", ".")).write_bytes(content)
    given = {"data_folder": str(folder), "image_size": 4, "data_workers": 1}
    return DATASETS["image_folder"].load(given)


def cut_short(folder):
    npz(folder)
    bytes_of(folder, (folder / "own.npz").read_bytes()[:200])


def linked_class(folder):
    pictures(folder)
    (folder / "train/b").symlink_to("/absent/b")
    given = {"data_folder": str(folder), "image_size": 4, "data_workers": 1}
    DATASETS["image_folder"].load(given)


def twice(folder):
    pictures(folder)
    one, other = folder / "train/a/1.png", folder / "test/a/1.png"
    other.write_bytes(one.read_bytes())
    given = {"data_folder": str(folder), "image_size": 4, "data_workers": 1}
    return DATASETS["image_folder"].load(given)


def foreign_pictures(folder):
    for part, count in (("train", 3), ("t10k", 2)):
        header = bytes([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28])
        images = header + bytes(count * 784)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        labels = bytes([0, 0, 8, 1, 0, 0, 0, count]) + bytes(count)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    assert mnist.COUNTS["train"] == 60_000
    DATASETS["fashion_mnist"].load({"data_folder": str(folder)})


def full_disk(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: _raise(errno.ENOSPC))
        write_json(folder / "result.json", {})


def replaced(folder):
    run(files_of(folder, {}))
    plan = Plan(files_of(folder, {"seed": 2}), logging.getLogger("quiet"))
    try:
        plan.begin()
    finally:
        plan.end()


def two_runs(folder):
    file, _ = hold(folder / "study")
    try:
        hold(folder / "study")
    finally:
        file.close()


def searched(folder, **made_up):
    """What the summary of a study says."""
    return SimpleNamespace(notes=[summary(made_up_study(folder / "study.h5", **made_up))])


def own_trainer(folder, body, **changes):
    """A study that a user's own file trains."""
    text = f"import os\ndef train(context, lam, start):\n    {body}\n"
    given = {"trainer": written_trainer(folder, text), **OWN, **changes}
    run(files_of(folder / "results", given))


def own_command(folder, command):
    run(files_of(folder / "results", {**OWN, "trainer_command": command}))


def _raise(number):
    raise OSError(number, os.strerror(number))


COUNTING = (
    HEAD
    + """
class Counting(nn.Linear):
    def forward(self, x):
        self.seen += self.training
        return super().forward(x)


def trunk(input_shape):
    layer = Counting(6, 4)
    layer.register_buffer("seen", torch.tensor(0))
    return layer
"""
)
CLOSED = (
    HEAD
    + """
class Closed(nn.Linear):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


def trunk(input_shape):
    return Closed(6, 4)
"""
)
TIED = body(
    "one, two = nn.Linear(6, 6), nn.Linear(6, 6)",
    "two.weight = one.weight",
    "return nn.Sequential(nn.Sequential(one, two).requires_grad_(False), nn.Linear(6, 4))",
)
LABELS = np.repeat(np.arange(4), 10)
NOWHERE = {"npz_file": "own.npz", "data_folder": "/absent/data"}
PROVOKED = {
    "name that is a number": lambda f: written(f, "tasks: [[001, 002]]"),
    "number for a name": lambda f: class_indices(
        [1], ("001", "002"), "tasks[0]", DATASETS["image_folder"]
    ),
    "labels from 1": lambda f: npz(f, y=LABELS + 1),
    "one class": lambda f: resolve({"tasks": [[0], [1]]}),
    "whole fraction": lambda f: resolve({"trials": 10.0}),
    "no list": lambda f: resolve({"hidden": 64}),
    "number for a text": lambda f: resolve({"study": 1000.0}),
    "no data folder": lambda f: DATASETS["npz"].load(NOWHERE),
    "pointer": lambda f: bytes_of(f, b"version https://git-lfs.github.com/spec/v1\n"),
    "page": lambda f: bytes_of(f, b"<!doctype html>"),
    "channels last": lambda f: npz(f, x=np.zeros((40, 28, 28, 3))),
    "unscaled": lambda f: npz(f, x=np.arange(1000.0).reshape(40, 5, 5) / 4),
    "cut short": cut_short,
    "alike": lambda f: npz(f, x=np.ones((40, 3)), y=np.repeat(np.arange(4), [10, 8, 10, 12])),
    "tested samples": lambda f: npz(f, repeated=True),
    "a task again": lambda f: build(tasks=[[0, 1], [0, 1]]),
    "class on another disk": linked_class,
    "one-hot": lambda f: npz(f, y=np.eye(4)[LABELS]),
    "float labels": lambda f: npz(f, y=LABELS.astype(float)),
    "test label": lambda f: npz(f, y_test=np.array([0, 9])),
    "regression": regression,
    "foreign pictures": foreign_pictures,
    "other endings": lambda f: pictures(f, a_webp=b""),
    "pictures twice": twice,
    "bad picture": lambda f: pictures(f, b_png=b"text"),
    "stands alone": lambda f: model(f, HEAD + "FOLDER = __file__\n"),
    "no gradient": lambda f: model(f, CLOSED),
    "dropout": lambda f: model(f, body("return nn.Sequential(nn.Linear(6, 4), nn.Dropout())")),
    "counter": lambda f: model(f, COUNTING),
    "tied": lambda f: model(f, TIED),
    "full disk": full_disk,
    "replaced": replaced,
    "two runs": two_runs,
    "an error of the trainer": lambda f: own_trainer(f, "return 1 / 0"),
    "another shape": lambda f: own_trainer(f, "return [[1.0, 2.0]]"),
    "no seed": lambda f: own_trainer(f, "return [[float(os.urandom(1)[0]), 1.0]] * 6"),
    "killed": lambda f: own_trainer(f, "os.kill(os.getpid(), 9)"),
    "percents": lambda f: own_trainer(f, "return [[1.0, 2.0]] * 6, [[97.0, 3.0]] * 6"),
    "no output": lambda f: own_command(f, "true {lambda} {seed} {output}"),
    "no such place": lambda f: own_command(f, "true {lambda} {seed} {output} {step}"),
    "no such Python": lambda f: check_python(
        resolve({"trainer": "a.py", "trainer_python": "absent/python"})
    ),
    "far too small": lambda f: searched(f, curve=lambda x, _: 15.0 + 0 * x),
    "far too large": lambda f: searched(f, curve=lambda x, _: 30.0 + 0 * x),
    "beyond the end": lambda f: searched(f, centres=[9, 9, 9]),
    "best at 0": lambda f: searched(
        f, spacing="linear", low=0.0, high=6.0, centres=[-9, -9, -9], zero=50.0
    ),
    "other code": lambda f: SameCode(
        {"scripts": ["make_grid"], "files": [], "sha256": ""}, "other"
    ).check(),
}


def said(provoke, folder):
    """What a person is told: the error, or the notes of what was read."""
    try:
        return " ".join(provoke(folder).notes)
    except StudyError as error:
        return str(error)


@pytest.mark.parametrize("what", PROVOKED)
def test_what_is_said_is_documented_once(what, tmp_path):
    text = said(PROVOKED[what], tmp_path)
    assert len(documented(text)) == 1, text


def test_all_that_is_documented_is_said(tmp_path):
    found = set()
    for number, provoke in enumerate(PROVOKED.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.update(documented(said(provoke, folder)))
    others = [message for message in messages() if message not in found]
    assert all(message.startswith(RUNS) for message in others), others
    assert len(messages()) > 25
