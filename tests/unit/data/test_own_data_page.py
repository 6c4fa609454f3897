"""The page on one's own data: its lines that make a file of ours of somebody else's."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from made_up_scenarios import build

PAGE = Path(__file__).parents[3] / "docs/own-data.md"


def lines(name):
    """The block of Python that reads the file of this name."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if f"data/{name}.npz" in block]
    return found


def med(colours):
    generator = np.random.default_rng(0)
    shape = (28, 28, 3) if colours else (28, 28)
    return {
        name: values
        for split, count in (("train", 40), ("val", 8), ("test", 16))
        for name, values in (
            (f"{split}_images", generator.integers(0, 256, (count, *shape), dtype=np.uint8)),
            (f"{split}_labels", (np.arange(count) % 4).astype(np.uint8)[:, None]),
        )
    }


def keras(colours):
    shape = (32, 32, 3) if colours else (28, 28)
    return {
        name: values
        for split, count in (("train", 40), ("test", 16))
        for name, values in (
            (f"x_{split}", np.full((count, *shape), 9, np.uint8)),
            # The colour sets of Keras have their labels as a column.
            (f"y_{split}", (np.arange(count) % 4).reshape((count, 1) if colours else count)),
        )
    }


@pytest.mark.parametrize("colours", [True, False])
@pytest.mark.parametrize(("name", "made"), [("bloodmnist", med), ("keras", keras)])
def test_a_file_of_others_becomes_one_of_ours(tmp_path, monkeypatch, name, made, colours):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    content = made(colours)
    np.savez(f"data/{name}.npz", **content)
    code = lines(name)
    assert len(ast.parse(code).body) == 1 + 3  # an import, and three statements
    exec(compile(code, str(PAGE), "exec"), {})
    scenario = build(dataset="npz", npz_file=f"data/{name}_own.npz", tasks=[[0, 1], [2, 3]])
    assert scenario.input_shape[0] == (3 if colours else 1)
    first = scenario.tasks[0].splits["test"][0]
    images = content["test_images" if made is med else "x_test"]
    expected = np.moveaxis(images, 3, 1) if colours else images[:, None]
    kept = (np.arange(16) % 4) < 2
    assert np.array_equal(first, expected[kept])
