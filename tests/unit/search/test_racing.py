"""The race of a round, against hand calculations and on made-up measures."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from ewc_lambda.inference.resolving import resolved
from ewc_lambda.results.runs import Run, round_measures
from ewc_lambda.search.racing import DOUBT, Doubt, doubts, race, survivors
from ewc_lambda.upkeep.replayed import replayed

X = np.linspace(0.0, 6.0, 9)


def measures(seed=1, replicates=10, noise=0.3):
    """Replicates (R, S) around a parabola with its minimum at 2.5."""
    rng = np.random.default_rng(seed)
    shifts = 2.5 + noise * rng.standard_normal((replicates, 1))
    return 5 + (X - shifts) ** 2 + rng.standard_normal((replicates, 1))


FIRST = doubts(len(X), first_round=True)
LATER = doubts(len(X), first_round=False)


def raced(table, met=(), when=FIRST):
    """Numbers of replicates of a race, and what was trained: (steps, replicates) a program."""
    programs = []

    def train(running, part):
        programs.append((list(running), (part.start, part.stop)))
        return {step: table[part, step] for step in running}

    given = {step: table[:count, step] for step, count in dict(met).items()}
    found = race(dict(enumerate(when)), len(table), given, train)
    for step, values in found.items():
        np.testing.assert_array_equal(values, table[: len(values), step])
    return [len(found[step]) for step in range(table.shape[1])], programs


def run(step, values, lambda_=None):
    """A run whose measure is ``values``: one evaluation after the introduction of its one task."""
    loss = np.asarray(values, dtype=float)[:, None, None] * np.ones((1, 2, 1))
    labels = {"step": step, "lambda": float(step if lambda_ is None else lambda_)}
    return Run(loss, loss, loss[..., 0], np.arange(2.0), [1], labels, {})


def test_ends_of_the_first_grid_stay_until_they_decide_whether_it_is_resolved():
    end, between = Doubt(0.025 / 7, end=True), Doubt(DOUBT)
    assert doubts(9, first_round=True) == [end, *[between] * 7, end]
    assert doubts(9, first_round=False) == [between] * 9
    assert doubts(3, first_round=True)[0].level == DOUBT
    table = measures(3, noise=0.5)
    counts, _ = raced(table)
    later, _ = raced(table, when=LATER)
    # The low end is dropped later than a step inside of it that would be as far off.
    assert counts[0] > later[0]
    assert resolved(10**X, np.where(np.arange(10)[:, None] < counts, table, np.nan)).resolved
    assert not resolved(10**X, np.where(np.arange(10)[:, None] < later, table, np.nan)).resolved


def test_an_end_stays_while_a_step_may_turn_out_the_best_that_it_is_not_worse_than():
    # The end is worse than the second step by 10 and hardly any spread, than the third by 10 too,
    # but by very different amounts.
    table = np.array(
        [
            [20.0, 10.0, 4.0, 30.0, 20.0],
            [20.1, 10.0, 10.0, 30.3, 20.2],
            [20.0, 10.1, 17.0, 30.0, 20.1],
            [20.1, 10.0, 9.5, 30.1, 20.0],
        ]
    )
    assert survivors(table, doubts(5, first_round=True)).tolist() == [True, True, True, False, True]
    assert survivors(table, doubts(5, first_round=False)).tolist() == [
        False,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("noise", [0.3, 0.6, 1.0])
def test_an_end_that_was_dropped_is_worse_beyond_doubt_than_the_best_of_the_race(noise):
    dropped = 0
    for seed in range(100):
        table = measures(seed, noise=noise)
        table += 0.5 * noise * np.random.default_rng(seed).standard_normal(table.shape)
        counts, _ = raced(table)
        spared = np.where(np.arange(10)[:, None] < counts, table, np.nan)
        if counts[0] < 10 and counts[8] < 10:
            dropped += 1
            assert resolved(10**X, spared).resolved
    assert dropped > 10


def test_an_end_at_which_a_replicate_diverged_is_judged_by_the_others():
    table = measures(3, noise=0.3)
    whole, _ = raced(table)
    table[1, 8] = np.inf
    counts, _ = raced(table)
    spared = np.where(np.arange(10)[:, None] < counts, table, np.nan)
    assert whole[8] <= counts[8] < 10
    assert resolved(10**X, spared).resolved
    table[:2, 8] = np.inf
    assert survivors(table[:3], FIRST)[8], "one finite replicate decides nothing"
    table[:3, 8] = np.inf
    assert not survivors(table[:3], FIRST)[8]


def test_a_step_is_dropped_where_a_paired_test_says_it_is_worse():
    table = measures(noise=1.0)[:5]
    best = table.mean(axis=0).argmin()
    expected = [
        step == best
        or stats.ttest_rel(table[:, step], table[:, best], alternative="greater").pvalue > 0.025
        for step in range(len(X))
    ]
    assert 2 < sum(expected) < 8
    assert survivors(table, LATER).tolist() == expected


def test_a_step_that_diverged_is_dropped_whatever_the_others_did():
    table = measures()[:4]
    table[2, 4] = np.nan
    table[:, 5] = np.inf
    kept = survivors(table, FIRST)
    assert not kept[4]
    assert not kept[5]
    assert kept.any()
    assert not survivors(np.full((3, 2), np.inf), FIRST[:2]).any()


def test_equal_steps_all_go_on():
    assert survivors(np.ones((3, 4)), FIRST[:4]).all()


def test_steps_train_until_they_are_dropped():
    table = measures(noise=0.8)
    counts, programs = raced(table)
    running, low, high = list(range(9)), 0, 3
    for steps, part in programs:
        assert (steps, part) == (running, (low, high))
        kept = survivors(table[:high, running], [FIRST[step] for step in running])
        running = [step for step, ok in zip(running, kept, strict=True) if ok]
        low, high = high, high + 1
    assert len(programs) == 8
    assert counts == [
        max(part[1] for steps, part in programs if step in steps) for step in range(9)
    ]
    # The best is among those that got all, and the ends are not.
    assert counts[int(table.mean(axis=0).argmin())] == 10
    assert max(counts[0], counts[8]) < 10


def test_a_step_that_is_left_alone_trains_the_rest_in_one_program():
    table = measures(noise=0.1)
    counts, programs = raced(table)
    assert counts[3] == 10
    assert programs[-1] == ([3], (programs[-2][1][1], 10))
    assert len(programs) < 4


@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_few_replicates_are_trained_without_a_look(replicates):
    counts, programs = raced(measures()[:replicates])
    assert counts == [replicates] * 9
    assert len(programs) == 1


def test_a_repeated_step_is_compared_with_and_not_trained():
    table = measures()
    whole, _ = raced(table)
    counts, programs = raced(table, {4: whole[4], 0: whole[0]})
    assert counts == whole
    assert all({0, 4}.isdisjoint(steps) for steps, _ in programs)


@pytest.mark.parametrize("seed", range(20))
def test_a_race_that_is_taken_up_again_ends_as_it_would_have(seed):
    # What was finished before is any part of the steps, with what the race gave them.
    table = measures(seed, noise=0.8)
    counts, _ = raced(table)
    assert max(counts) == 10
    done = np.random.default_rng(seed).permutation(9)[: 1 + seed % 8]
    assert raced(table, {int(step): counts[int(step)] for step in done})[0] == counts


def test_nothing_is_trained_where_all_diverged():
    table = np.full((10, 9), np.nan)
    counts, programs = raced(table)
    assert counts == [3] * 9
    assert len(programs) == 1


def test_the_optimum_is_one_of_those_with_the_most_replicates():
    # The dropped one has the lowest mean, of the easy replicates that it has.
    runs = [run(0, [1.0, 2.0, 6.0]), run(1, [0.5, 1.0]), run(2, [np.nan, 1.0])]
    found = round_measures(runs)
    assert found[0] == 3.0
    assert np.isnan(found[1:]).all()
    assert np.isnan(round_measures(runs[2:])).all()


def test_a_race_is_replayed_from_its_runs():
    table = measures()
    counts, _ = raced(table)
    runs = [run(step, table[:count, step]) for step, count in enumerate(counts)]
    assert replayed(runs, (), 10) == counts
    # In a later round the ends are as others, and the fourth step was repeated.
    later, _ = raced(table, {3: counts[3]}, LATER)
    runs = [run(step, table[:count, step]) for step, count in enumerate(later)]
    assert replayed(runs, [runs[3]], 10) == later


@pytest.mark.parametrize("change", [-1, 1])
def test_a_run_with_other_replicates_than_its_race_gives_is_seen(change):
    table = measures(noise=0.8)
    counts, _ = raced(table)
    step = next(step for step, count in enumerate(counts) if 3 < count < 10)
    other = counts[step] + change
    runs = [run(s, table[: (other if s == step else n), s]) for s, n in enumerate(counts)]
    assert replayed(runs, (), 10)[step] != other


def test_a_repeated_run_must_have_what_the_round_before_gave_it():
    table = measures()
    counts, _ = raced(table)
    runs = [run(step, table[:count, step]) for step, count in enumerate(counts)]
    earlier = dataclasses.replace(runs[3], loss=runs[3].loss[:4])
    assert replayed(runs, [earlier], 10)[3] == 4
