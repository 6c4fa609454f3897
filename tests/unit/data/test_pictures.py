"""Pictures made alike: size, colour, margin; and standardized inputs."""

import numpy as np
import pytest
import torch
from made_up_scenarios import build, config
from made_up_sites import save, table
from PIL import Image

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.pictures import recoloured, resized
from ewc_lambda.data.prepared import read_prepared, write_prepared
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.data.standard import statistics
from ewc_lambda.errors import StudyError
from ewc_lambda.learning.problems import build_problem

PROVENANCE = {"code_sha256": "", "config": {}}


def test_grey_is_the_luminance_of_the_colours():
    x = np.array([[[[255]], [[0]], [[100]]]], np.uint8)
    assert recoloured(x, "grey").tolist() == [[[[round(0.299 * 255 + 0.114 * 100)]]]]
    floats = x.astype(np.float32) / 255
    assert recoloured(floats, "grey")[0, 0, 0, 0] == pytest.approx(0.299 + 0.114 * 100 / 255)
    white = np.full((2, 3, 4, 4), 255, np.uint8)
    assert (recoloured(white, "grey") == 255).all()


def test_colour_repeats_the_grey_values():
    x = np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2)
    found = recoloured(x, "colour")
    assert found.shape == (2, 3, 2, 2)
    assert all(np.array_equal(found[:, channel], x[:, 0]) for channel in range(3))


def test_what_has_the_colours_asked_for_stays():
    x = np.zeros((2, 3, 4, 4), np.uint8)
    assert recoloured(x, "colour") is x
    assert recoloured(x, "as_is") is x
    with pytest.raises(StudyError, match=r"image_colour: grey .* not of those with 2"):
        recoloured(x[:, :2], "grey")


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_resizing_is_bilinear(kind):
    # Centres of the four new pixels lie at -1/4, 1/4, 3/4, 5/4 of the two old ones.
    x = np.array([[[[0, 100], [0, 100]]]], kind)
    assert resized(x, 4)[0, 0].tolist() == [[0, 25, 75, 100]] * 4
    assert resized(x, 4).dtype == kind
    assert resized(x, 2) is x


def test_a_study_with_a_margin_and_another_size():
    task = build(image_size=12, image_padding=2, image_colour="colour").tasks[0]
    plain = build().tasks[0]
    x, own = task.splits["train"][0], plain.splits["train"][0]
    assert x.shape == (len(own), 3, 16, 16)
    inner = x[:, :, 2:-2, 2:-2]
    assert x.sum() == inner.sum()
    picture = Image.fromarray(own[0, 0]).resize((12, 12), Image.Resampling.BILINEAR)
    assert np.array_equal(inner[0, 1], np.asarray(picture))


def test_tables_have_no_margin():
    with pytest.raises(StudyError, match=r"^image_padding: needs pictures, which iris has not"):
        resolve({"dataset": "iris", "tasks": [[0, 1]], "image_padding": 2})


def test_a_table_of_ones_own_has_no_margin(tmp_path):
    path = save(tmp_path, "own.npz", table())
    with pytest.raises(StudyError, match=r"^image_colour: needs pictures, .* shape \(4,\)"):
        build(dataset="npz", npz_file=path, tasks=["all"], image_colour="grey")


# ------------------------------------------------------------------ standardized inputs


def test_statistics_of_columns_and_of_channels():
    x = np.array([[1.0, 5.0], [3.0, 5.0]], np.float32)
    assert statistics(x, 1.0) == ([2, 5], [1, 1])
    pictures = np.array([[[[0, 2]], [[1, 1]]], [[[4, 6]], [[1, 1]]]], np.uint8)
    mean, deviation = statistics(pictures, 0.5)
    assert mean == [1.5, 0.5]
    assert deviation == pytest.approx([0.5 * np.std([0, 2, 4, 6]), 1.0])


@pytest.mark.parametrize("changes", [{}, {"dataset": "iris", "tasks": [[0, 1], [2, 3]]}])
def test_training_sees_the_first_tasks_samples_with_mean_0_and_deviation_1(tmp_path, changes):
    heads = {"heads": "shared"} if changes else {}
    given = config(standardize=True, **changes, **heads)
    path = tmp_path / "data.h5"
    write_prepared(path, build_scenario(given), PROVENANCE)
    prepared = read_prepared(path)
    of = build_problem(given, prepared)
    first = of.train[0].x
    axes = tuple(range(first.ndim - 1))
    torch.testing.assert_close(first.mean(axes), torch.zeros(first.shape[-1]), atol=1e-5, rtol=0)
    deviation = first.std(axes, correction=0)
    torch.testing.assert_close(deviation, torch.ones(first.shape[-1]), atol=1e-5, rtol=0)
    # The others by the same numbers, which are stored.
    x, _ = prepared.splits[1]["validation"]
    mean, deviation = (np.array(values) for values in prepared.standard)
    moved = np.moveaxis(x, 1, -1) if x.ndim == 4 else x
    expected = (moved * prepared.scale - mean) / deviation
    torch.testing.assert_close(
        of.selection[1].x, torch.tensor(expected, dtype=torch.float32), rtol=1e-5, atol=1e-5
    )


def test_data_without_statistics_say_nothing_of_them(tmp_path):
    write_prepared(tmp_path / "data.h5", build(), PROVENANCE)
    assert read_prepared(tmp_path / "data.h5").standard is None


def test_unscaled_values_are_no_matter_where_they_are_standardized(tmp_path):
    path = save(tmp_path, "own.npz", table(shift=500.0))
    given = {"dataset": "npz", "npz_file": path, "tasks": ["all"]}
    assert build(**given).notes
    assert not build(**given, standardize=True).notes
