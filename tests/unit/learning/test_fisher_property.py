"""Every fast way to an importance against a plain loop in float64, at any size."""

from dataclasses import replace
from unittest import mock

import pytest
import torch
from drawn_tasks import Conv, Drawn, drawn_tasks, importance_by_loop
from hypothesis import example, given

from ewc_lambda.learning import layer_gradients, sample_gradients
from ewc_lambda.learning.importance import POSTERIOR


def computed(drawn, done):
    """The project's importance, with the sizes of chunks and blocks that were drawn."""
    of = sample_gradients.layer_of if drawn.way != "vmap" else lambda module, power: None
    summed = drawn.chunk * drawn.chunks_summed
    with (
        mock.patch.object(sample_gradients, "layer_of", of),
        mock.patch.object(sample_gradients, "CHUNK", drawn.chunk),
        mock.patch.object(sample_gradients, "SUMMED", summed),
        mock.patch.object(layer_gradients, "BLOCK", drawn.block),
    ):
        return POSTERIOR[drawn.measure](done)


def check(drawn):
    done = drawn.build()
    found, expected = computed(drawn, done), importance_by_loop(done, drawn.measure)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-12 * max(1.0, expected.max()))


# The last chunk of two samples went another way than those before it.
SMALL_CNN = (Conv(16, padding=(1, 1)), "pool", Conv(32, padding=(1, 1)))
# One channel: sums of another number of rows were broadcast, and raised no error.
ONE_CHANNEL = Drawn((48, 4, 4), (Conv(1),), outputs=(8, 8), samples=80)


# Nothing symmetric: each side of a kernel, a stride, a padding or a gap is its own.
UNEVEN = (Conv(4, (3, 2), (2, 1), (1, 0), (1, 2)), "batch", Conv(3, (1, 2), (1, 2)), "group", 4)
UNEVEN_TASK = Drawn((2, 6, 7), UNEVEN, heads="growing", outputs=(3, 5), samples=35, task=1)


@given(drawn_tasks())
@example(Drawn((1, 8, 8), SMALL_CNN, outputs=(5, 5), samples=98))
@example(Drawn((1, 5, 5), SMALL_CNN, outputs=(5, 5), samples=33, loss="binary_cross_entropy"))
@example(ONE_CHANNEL)
@example(UNEVEN_TASK)
@example(replace(UNEVEN_TASK, chunk=5, block=400, members=2, measure="fisher_sampled"))
@example(replace(UNEVEN_TASK, chunk=5, block=60, measure="memory_aware_synapses"))
@example(replace(UNEVEN_TASK, chunk=5, way="vmap", loss="binary_cross_entropy"))
@example(replace(UNEVEN_TASK, chunk=5, way="loop", loss="mean_squared_error"))
def test_importance_of_a_task_of_any_size_is_that_of_a_plain_loop(drawn):
    check(drawn)


@pytest.mark.parametrize("way", ["layers", "vmap"])
@pytest.mark.parametrize("samples", [1, 31, 32, 33, 255, 256, 257, 300])
@pytest.mark.parametrize("measure", ["fisher_exact", "memory_aware_synapses"])
def test_numbers_of_samples_around_the_chunks_that_are_used(samples, way, measure):
    layers = (Conv(4), "batch", Conv(3, (2, 2)), 4)
    check(Drawn((3, 5, 5), layers, outputs=(2, 2), samples=samples, way=way, measure=measure))


@pytest.mark.parametrize("samples", [33, 34, 40])
def test_networks_of_the_sizes_that_are_trained(samples):
    # Weights of a layer times directions: more than a block, and less.
    layers = (Conv(32), "pool", "batch", Conv(32, padding=(1, 1)), Conv(64, padding=(1, 1)), 16)
    check(Drawn((1, 8, 8), layers, outputs=(10, 10), samples=samples))
