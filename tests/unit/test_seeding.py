"""The tree of seeds: every leaf distinct, and none of them moves."""

import itertools
import random

import numpy as np
import pytest

from ewc_lambda.seeding import Stream, data_generator, step_branch, trial_generator

MEASURES = ("fisher", "weight_decay", "synaptic_intelligence")


def leaves(stream):
    """Generators of all leaves of a stream, with small numbers as places."""
    for task in range(3):
        yield stream.generator("labels", task)
        yield stream.generator("importance", task)
        yield stream.generator("batches", task)
        for epoch in range(4):
            yield stream.generator("order", task, epoch)
            yield stream.generator("augmentation", task, epoch)
            for earlier in range(3):
                yield stream.generator("rehearsal", task, epoch, earlier)


def whole_tree(seed):
    for purpose, task in itertools.product(("split", "transform", "samples"), range(4)):
        yield data_generator(seed, purpose, task)
    for trial in range(4):
        yield trial_generator(seed, trial, "bounds")
        yield trial_generator(seed, trial, "weights")
        for replicate in range(3):
            yield from leaves(Stream(seed, trial, replicate))
            for measure, round_, step in itertools.product(MEASURES, range(2), range(2)):
                branch = step_branch(measure, round_, step)
                yield from leaves(Stream(seed, trial, replicate, branch))


def test_all_streams_of_the_tree_are_distinct():
    drawn = [tuple(g.integers(2**63, size=2)) for seed in (0, 1) for g in whole_tree(seed)]
    assert len(drawn) > 15_000
    assert len(set(drawn)) == len(drawn)


def test_a_leaf_is_the_seed_sequence_of_its_path():
    # Study, trial 3, replicates, replicate 5, no branch, order of task 1 in epoch 2.
    sequence = np.random.SeedSequence(entropy=7, spawn_key=(1, 3, 2, 5, 0, 0, 1, 2))
    expected = np.random.default_rng(sequence).permutation(50)
    assert np.array_equal(Stream(7, 3, 5).generator("order", 1, 2).permutation(50), expected)


def test_a_leaf_is_what_spawning_along_its_path_gives():
    node = np.random.SeedSequence(7)
    for child in (1, 3, 1):
        node = node.spawn(child + 1)[child]
    expected = np.random.default_rng(node).random(4)
    assert np.array_equal(trial_generator(7, 3, "weights").random(4), expected)


def test_numpy_hashes_a_seed_as_the_reference_of_its_method_does():
    # Reference data of the seed_seq_fe in C++ (gist imneme/540829265469e673d045), on which numpy's
    # own tests rest: should this change, so does every stream of every study.
    sequence = np.random.SeedSequence([3735928559, 195939070, 229505742, 305419896])
    assert sequence.generate_state(4).tolist() == [3914649087, 576849849, 3593928901, 2229911004]


RECORDED = {
    "split": (lambda: data_generator(1, "split", 0), 1666584303),
    "bounds": (lambda: trial_generator(1, 0, "bounds"), 1665839339),
    "weights": (lambda: trial_generator(1, 2, "weights"), 1549486746),
    "order": (lambda: Stream(1, 0, 1).generator("order", 1, 3), 1584306655),
    "labels": (lambda: Stream(1, 0, 1).generator("labels", 1), 161828297),
    "augmentation": (lambda: Stream(1, 0, 1).generator("augmentation", 1, 3), 1442143586),
    "importance": (lambda: Stream(1, 0, 1).generator("importance", 1), 459504409),
    "rehearsal": (lambda: Stream(1, 0, 1).generator("rehearsal", 1, 3, 0), 2513709793),
    "independent": (
        lambda: Stream(1, 0, 1, step_branch("fisher", 2, 4)).generator("labels", 1),
        741372683,
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_streams_are_those_of_earlier_versions(name):
    generator, expected = RECORDED[name]
    assert generator().integers(2**32) == expected


def test_a_stream_does_not_depend_on_what_was_drawn_before():
    stream = Stream(1, 0, 0)
    first = stream.generator("order", 0, 1).random(3)
    np.random.default_rng(0).random(100)
    stream.generator("labels", 0).random(100)
    assert np.array_equal(stream.generator("order", 0, 1).random(3), first)


def test_no_global_generator_is_read_or_moved():
    numpy_state, python_state = np.random.get_state()[1].copy(), random.getstate()
    list(leaves(Stream(1, 0, 0)))
    trial_generator(1, 0, "weights").random(3)
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    assert random.getstate() == python_state


def test_common_streams_are_equal_and_independent_ones_differ_by_step_round_and_measure():
    assert Stream(1, 0, 2) == Stream(1, 0, 2)
    branches = [
        step_branch("fisher", 0, 0),
        step_branch("fisher", 0, 1),
        step_branch("fisher", 1, 0),
        step_branch("weight_decay", 0, 0),
        (),
    ]
    drawn = {Stream(1, 0, 2, branch).generator("order", 0, 0).random() for branch in branches}
    assert len(drawn) == len(branches)
    assert len({Stream(1, 0, 2, branch) for branch in branches}) == len(branches)


def test_the_branch_of_a_measure_does_not_depend_on_the_other_measures():
    # CRC-32 of the name, as zlib documents it.
    assert step_branch("fisher", 3, 5) == (0x628242C0, 3, 5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: data_generator(1, "weights", 0),
        lambda: trial_generator(1, 0, "split"),
        lambda: Stream(1, 0, 0).generator("bounds", 0),
    ],
)
def test_a_leaf_that_is_not_in_the_tree_has_no_generator(call):
    with pytest.raises(KeyError):
        call()
