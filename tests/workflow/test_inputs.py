"""Files as people have them, through whole runs."""

import html

import numpy as np
import pytest
import yaml
from PIL import Image
from scratch import Scratch, with_figures
from troubleshooting import documented

pytestmark = pytest.mark.workflow

WILD = ["Ba$$in", "a&b", "<c>", "猫"]


def pictures(folder, classes):
    """Twelve small pictures of noise for each class, in train and in test."""
    generator = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in classes:
            (folder / split / name).mkdir(parents=True)
            for number in range(12):
                pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")


def test_names_of_any_letters_go_through_a_whole_study(tmp_path):
    config = {"dataset": "image_folder", "data_folder": "pictures", "image_size": 8}
    tasks = [WILD[:2], WILD[2:]]
    scratch = with_figures(
        Scratch.create(tmp_path / "project", **config, tasks=tasks, max_rounds=1, epochs=1)
    )
    pictures(scratch.folder / "pictures", WILD)
    (scratch.folder / "pictures/train/a&b/more.webp").write_bytes(b"")
    done = scratch.finish()
    assert done.text.count("1 files are not read, 1 ending in .webp") == 1
    page = (scratch.study / "tables/tables.html").read_text(encoding="utf-8")
    assert all(html.escape(",".join(task), quote=False) in page for task in tasks)
    answer = (scratch.study / "tables/answer.txt").read_text(encoding="utf-8")
    assert "Note: image_folder: 1 files are not read" in answer
    report = scratch.run("--report", "report.html")
    assert report.status == 0, report.text


def test_one_task_is_refused_before_anything(tmp_path):
    done = Scratch.create(tmp_path / "project", tasks=[[0, 1]]).run()
    assert done.status != 0
    assert not done.jobs
    assert "config: tasks: has one task, after which nothing is learned" in done.text
    assert len(documented(done.text)) == 1


def test_a_file_and_the_command_line_read_class_names_alike(tmp_path):
    names = [f"{number:03d}" for number in range(1, 11)]
    config = {"dataset": "image_folder", "data_folder": "pictures", "image_size": 8}
    scratch = Scratch.create(tmp_path / "project", **config, tasks=[names[:2], names[7:9]])
    pictures(scratch.folder / "pictures", names)
    data = "results/small/data.h5"
    typed = scratch.run("--config", "tasks=[[001,002],[008,009]]", "--", data)
    assert typed.status == 0, typed.text
    first = (scratch.folder / data).read_bytes()
    (scratch.folder / data).unlink()
    quoted = scratch.run(data)
    assert quoted.status == 0, quoted.text
    assert (scratch.folder / data).read_bytes() == first
    numbers = scratch.run("--config", "tasks=[[1,2],[8,9]]", "--", data)
    assert numbers.status != 0
    assert "write '001' in quotes" in numbers.text
    path = scratch.folder / "config/config.yaml"
    bare = {**yaml.safe_load(path.read_text()), "tasks": "TASKS"}
    path.write_text(yaml.safe_dump(bare).replace("TASKS", "[[001, 002], [008, 009]]"))
    refused = scratch.run(data)
    assert refused.status != 0
    assert "tasks: YAML reads 001 as a number. Write '001' in quotes." in refused.text
