"""Held-out samples, limits, permutations and rotations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewc_lambda.data.sources.splits import at_most, class_ranks, held_out
from ewc_lambda.data.sources.transforms import permute, rotate

some_labels = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(np.array)
seeds = st.integers(0, 2**32)


@given(some_labels, seeds)
def test_ranks_number_each_class(labels, seed):
    ranks = class_ranks(labels, np.random.default_rng(seed))
    for label in np.unique(labels):
        members = np.sort(ranks[labels == label])
        assert members.tolist() == list(range(len(members)))


@given(some_labels, seeds, st.floats(0, 1))
def test_the_same_share_of_each_class_is_held_out(labels, seed, fraction):
    mask = held_out(labels, class_ranks(labels, np.random.default_rng(seed)), fraction)
    for label in np.unique(labels):
        count = np.count_nonzero(labels == label)
        assert abs(np.count_nonzero(mask[labels == label]) - fraction * count) <= 0.5


@settings(max_examples=60)
@given(some_labels, seeds, st.integers(1, 60))
def test_limits_keep_proportions_and_nest(labels, seed, limit):
    ranks = class_ranks(labels, np.random.default_rng(seed))
    taken = at_most(labels, ranks, limit)
    assert len(set(taken.tolist())) == len(taken) == min(limit, len(labels))
    assert set(taken) <= set(at_most(labels, ranks, limit + 1))
    share = len(taken) / len(labels)
    for label in np.unique(labels):
        count = np.count_nonzero(labels == label)
        assert abs(np.count_nonzero(labels[taken] == label) - share * count) <= 1


def test_no_limit_takes_all():
    assert at_most(np.zeros(4, int), np.arange(4), None).tolist() == [0, 1, 2, 3]


def test_ranks_are_drawn():
    labels = np.zeros(100, int)
    one, other = (class_ranks(labels, np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, np.arange(100))


def test_permutation_moves_all_channels_and_samples_alike():
    place = np.arange(6, dtype=np.uint8).reshape(2, 3)
    x = np.stack([np.stack([place, place + 100]), np.stack([place + 10, place + 50])])
    moved = permute(x, np.random.default_rng(4))
    assert moved.dtype == np.uint8
    order = moved[0, 0].ravel()
    assert sorted(order) == list(range(6))
    assert order.tolist() != list(range(6))
    for sample in range(2):
        for channel in range(2):
            assert np.array_equal(moved[sample, channel].ravel(), x[sample, channel].ravel()[order])


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_right_angles_move_pixels_exactly(kind, turns):
    x = np.random.default_rng(1).integers(0, 256, (3, 2, 7, 7)).astype(kind)
    turned = rotate(x, 90 * turns)
    assert turned.dtype == kind
    # float32 keeps the rounding error of the rotation's cosine, far below one grey value.
    assert turned == pytest.approx(np.rot90(x, turns, axes=(2, 3)), abs=1e-3)
    if kind is np.uint8:
        assert np.array_equal(turned, np.rot90(x, turns, axes=(2, 3)))


def test_whole_numbers_are_rounded_and_not_cut_off():
    x = np.random.default_rng(2).integers(0, 256, (4, 1, 9, 9)).astype(np.uint8)
    exact = rotate(x.astype(np.float32), 25)
    assert rotate(x, 25) == pytest.approx(exact, abs=0.5)


@pytest.mark.parametrize("degrees", [0, 360, -720.0])
def test_no_turn_is_the_identity(degrees):
    x = np.random.default_rng(1).random((2, 1, 5, 5)).astype(np.float32)
    assert np.array_equal(rotate(x, degrees), x)


def test_values_between_pixels_are_bilinear():
    # A plane stays a plane under bilinear values, inside of what stays in the picture.
    row, column = np.mgrid[:21, :21] - 10.0
    x = (3 * row + 5 * column).astype(np.float32)[None, None]
    angle = np.deg2rad(30)
    expected = 3 * (row * np.cos(angle) + column * np.sin(angle)) + 5 * (
        column * np.cos(angle) - row * np.sin(angle)
    )
    inside = np.hypot(row, column) < 9
    assert rotate(x, 30)[0, 0][inside] == pytest.approx(expected[inside], abs=1e-4)
