"""What reads, cuts or fills up arrays in one go, against a loop over their elements."""

import json
import math
import struct

import numpy as np
import torch
from builders import made_up_samples
from hypothesis import given, settings
from hypothesis import strategies as st

from ewc_lambda.data.sources.cifar10 import decode_batch
from ewc_lambda.data.sources.mnist import decode_idx
from ewc_lambda.data.sources.stl10 import decode_pictures
from ewc_lambda.data.sources.transforms import permute
from ewc_lambda.learning.augmentation import changed
from ewc_lambda.learning.penalty import Penalty, Term
from ewc_lambda.learning.training import _spread
from ewc_lambda.results.published import import_published
from ewc_lambda.results.run_tables import joined, run_table
from ewc_lambda.results.study_file import read_study
from ewc_lambda.search.riemann import riemann_measure
from ewc_lambda.store.front import read_front
from ewc_lambda.store.records import read_hdf5, write_hdf5

SEEDS = st.integers(0, 2**32 - 1)
# Those that write files, which wait for the disk.
FEWER = settings(max_examples=settings.default.max_examples // 10)


@given(st.integers(1, 400), st.one_of(st.none(), st.integers(1, 420)))
def test_spread_samples_are_those_at_equal_shares_of_all(count, wanted):
    samples = made_up_samples(0, 0, count, (1,), 2)
    found = torch.arange(count)[_spread(samples, wanted)].tolist()
    n = count if wanted is None else min(count, wanted)
    assert found == [count * i // n for i in range(n)]


@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7), SEEDS)
def test_changed_pictures_are_those_of_a_loop_over_pixels(count, channels, height, width, seed):
    generator = np.random.default_rng(seed)
    x = torch.from_numpy(generator.random((count, channels, height, width)))
    factor, angle = generator.uniform(0.5, 2, count), generator.uniform(-180, 180, count)
    mirrored = generator.integers(0, 2, count)
    drawn = torch.from_numpy(np.stack([factor, angle, mirrored], axis=1))
    expected = torch.empty_like(x)
    for n, row, column in np.ndindex(count, height, width):
        turn = math.radians(angle[n])
        down, across = row - (height - 1) / 2, column - (width - 1) / 2
        from_column = (math.cos(turn) * across - math.sin(turn) * down) / factor[n]
        from_row = (math.sin(turn) * across + math.cos(turn) * down) / factor[n]
        from_column = -from_column if mirrored[n] else from_column
        places = from_row + (height - 1) / 2, from_column + (width - 1) / 2
        expected[n, :, row, column] = bilinear(x[n], *places)
    torch.testing.assert_close(changed(x, drawn), expected, rtol=1e-9, atol=1e-9)


def bilinear(picture, row, column):
    """Values (C,) between pixels of (C, H, W); beyond its edges the picture is reflected."""
    sides = picture.shape[1:]
    row, column = (reflected(p, n) for p, n in zip((row, column), sides, strict=True))
    total = torch.zeros(len(picture), dtype=picture.dtype)
    for r in (math.floor(row), math.floor(row) + 1):
        for c in (math.floor(column), math.floor(column) + 1):
            share = (1 - abs(row - r)) * (1 - abs(column - c))
            if 0 <= r < sides[0] and 0 <= c < sides[1]:
                total += share * picture[:, r, c]
    return total


def reflected(place, side):
    while not -0.5 <= place <= side - 0.5:
        place = -1 - place if place < -0.5 else 2 * side - 1 - place
    return min(max(place, 0.0), side - 1.0)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), SEEDS)
def test_idx_values_lie_in_row_major_order(shape, seed):
    values = np.random.default_rng(seed).integers(0, 256, math.prod(shape), dtype=np.uint8)
    header = bytes([0, 0, 8, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape)
    found = decode_idx(header + values.tobytes(), "x")
    for number, place in enumerate(np.ndindex(*shape)):
        assert found[place] == values[number]


@FEWER
@given(st.integers(1, 5), SEEDS, st.data())
def test_pictures_of_cifar_and_stl_are_cut_at_their_bytes(count, seed, data):
    generator = np.random.default_rng(seed)
    records = generator.integers(0, 256, (count, 3073), dtype=np.uint8)
    records[:, 0] %= 10
    pictures, labels = decode_batch(records.tobytes(), count, "x")
    stored = generator.integers(0, 256, count * 3 * 96 * 96, dtype=np.uint8)
    columns_first = decode_pictures(stored.tobytes(), "x")
    assert labels.tolist() == [record[0] for record in records]
    for _ in range(20):
        n, c = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, 2))
        row, column = data.draw(st.integers(0, 31)), data.draw(st.integers(0, 31))
        assert pictures[n, c, row, column] == records[n, 1 + 1024 * c + 32 * row + column]
        at = ((n * 3 + c) * 96 + column) * 96 + row
        assert columns_first[n, c, row, column] == stored[at]


@given(*[st.integers(1, 4)] * 4, SEEDS)
def test_permuted_pixels_are_moved_alike_in_every_channel_and_picture(n, channels, h, w, seed):
    x = np.random.default_rng(seed).random((n, channels, h, w))
    found = permute(x, np.random.default_rng([seed, 1]))
    order = np.random.default_rng([seed, 1]).permutation(h * w)
    for picture, channel in np.ndindex(n, channels):
        values = [x[picture, channel, place // w, place % w] for place in order]
        assert found[picture, channel].ravel().tolist() == values


@given(st.integers(1, 4), st.integers(1, 12), st.integers(1, 4), SEEDS)
def test_the_measure_is_the_sum_of_its_rectangles(replicates, evaluations, tasks, seed):
    generator = np.random.default_rng(seed)
    loss = generator.random((replicates, evaluations + 1, tasks))
    epoch = np.r_[0, np.cumsum(generator.uniform(0.1, 2, evaluations))]
    introduced = sorted(generator.integers(1, evaluations + 1, tasks).tolist())
    found = riemann_measure(loss, introduced, np.diff(epoch, prepend=0.0))
    for replicate in range(replicates):
        expected = sum(
            loss[replicate, e, task] * (epoch[e] - epoch[e - 1])
            for task in range(tasks)
            for e in range(introduced[task], evaluations + 1)
        )
        np.testing.assert_allclose(found[replicate], expected, rtol=1e-12)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 4), SEEDS)
def test_the_penalty_is_the_sum_over_members_tasks_and_weights(members, size, tasks, seed):
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    lambdas = (drawn(members) * 3).floor()
    terms = [
        # A third of the weights matter to no task.
        Term(drawn(members, size) * (drawn(members, size) > 0.3), drawn(members, size))
        for _ in range(tasks)
    ]
    theta, gradient = drawn(members, size), drawn(members, size)
    penalty, before = Penalty(lambdas, terms), gradient.clone()
    penalty.add_gradient(theta, gradient)
    for m in range(members):
        value = 0.0
        for i in range(size):
            slope = 0.0
            for term in terms:
                pull = lambdas[m] * term.omega[m, i] * (theta[m, i] - term.anchor[m, i])
                slope, value = slope + pull, value + pull * (theta[m, i] - term.anchor[m, i]) / 2
            torch.testing.assert_close(gradient[m, i], before[m, i] + slope, check_dtype=False)
        np.testing.assert_allclose(penalty.value(theta)[m], value, rtol=1e-9, atol=1e-12)


@FEWER
@given(st.integers(-2, 2), st.integers(1, 3), SEEDS)
def test_a_seal_is_that_of_all_bytes_around_the_chunks_it_is_read_in(
    tmp_path_factory, more, chunks, seed
):
    path = tmp_path_factory.mktemp("seal") / "x.h5"
    values = np.random.default_rng(seed).integers(
        0, 256, max(1, chunks * (1 << 20) - 4096 + more), dtype=np.uint8
    )
    write_hdf5(path, {"x": (values, {})}, {})
    read_front(path)
    assert np.array_equal(read_hdf5(path)[0]["x"], values)


class Raced:
    """As much of a run as a table takes."""

    def __init__(self, generator, replicates, number):
        self.labels = {"trial": number, "lambda": float(number)}
        self.diverged = False
        self.measure = generator.random(replicates)
        self.loss = generator.random((replicates, 5, 2))
        self.accuracy, self.penalty = 1 - self.loss, self.loss[..., 0]
        self.test_loss = self.test_accuracy = None
        self.arithmetic = ""


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(0, 4), st.data())
def test_runs_of_unequal_replicates_keep_their_rows_and_are_filled_up(counts, skip, data):
    generator = np.random.default_rng(0)
    runs = [Raced(generator, count, number) for number, count in enumerate(counts)]
    cut = data.draw(st.integers(0, len(runs)))
    parts = [run_table(part, ["s"] * len(part), skip) for part in (runs[:cut], runs[cut:])]
    table = joined(parts)
    for row, run in enumerate(runs):
        n = len(run.measure)
        assert table["replicates"][row] == n
        assert table["measure"][row][:n].tolist() == run.measure.tolist()
        assert np.isnan(table["measure"][row][n:]).all()
        assert np.array_equal(table["loss"][row][:n], run.loss[:, skip:].astype(np.float32))
        assert np.isnan(table["loss"][row][n:]).all()
        assert np.array_equal(table["penalty"][row][:n], run.penalty[:, skip:].astype(np.float32))


@FEWER
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 40).map(float), st.floats(0.1, 100)),
            min_size=2,
            max_size=8,
            unique_by=lambda point: point[0],
        ),
        min_size=1,
        max_size=4,
    )
)
def test_every_imported_point_is_read_again(tmp_path_factory, trials):
    folder = tmp_path_factory.mktemp("imported")
    (folder / "x.json").write_text(json.dumps(trials))
    import_published(folder / "x.json", folder / "study.h5", "x")
    found = read_study(folder / "study.h5")
    expected = [(t, *point) for t, points in enumerate(trials) for point in sorted(points)]
    rows = zip(found["trial"], found["lambda"], found["measure"], strict=True)
    assert [(int(t), float(v), float(m)) for t, v, m in rows] == expected
