"""The Riemann measure by hand."""

import numpy as np
import pytest

from ewc_lambda.search.riemann import riemann_measure


def test_constant_loss_gives_the_constant_times_the_evaluations_since_introduction():
    loss = np.full((11, 2), 0.5)
    # Ten evaluations of the first task, five of the second.
    assert riemann_measure(loss, [1, 6], 1.0) == pytest.approx(0.5 * 10 + 0.5 * 5)


def test_linear_loss_gives_the_sum_of_an_arithmetic_series():
    evaluations = np.arange(21)
    loss = np.stack([2.0 - 0.1 * evaluations, 0.3 * evaluations], axis=1)
    first = 20 * 2.0 - 0.1 * (20 * 21 / 2)
    second = 0.3 * sum(range(11, 21))
    assert riemann_measure(loss, [1, 11], 1.0) == pytest.approx(first + second)


def test_what_a_task_does_before_it_is_introduced_does_not_count():
    loss = np.ones((9, 3))
    expected = riemann_measure(loss, [1, 3, 6], 1.0)
    assert expected == 8 + 6 + 3
    loss[0] = 100
    loss[:3, 1] = np.nan
    loss[:6, 2] = np.inf
    assert riemann_measure(loss, [1, 3, 6], 1.0) == expected


def test_delta_is_the_width_of_a_column():
    # The same curve looked at four times as often has the same area.
    coarse, fine = np.full((6, 1), 3.0), np.full((21, 1), 3.0)
    assert riemann_measure(coarse, [1], 1.0) == pytest.approx(15)
    assert riemann_measure(fine, [1], 0.25) == pytest.approx(15)


@pytest.mark.parametrize(("per_epoch", "expected"), [(1, 4.5), (2, 4.75), (4, 4.875)])
def test_a_loss_that_falls_measures_less_than_its_area_the_fewer_evaluations_there_are(
    per_epoch, expected
):
    # The example of docs/reading-the-results.md.
    loss = np.linspace(1, 0, 10 * per_epoch + 1)[:, None]
    assert riemann_measure(loss, [1], 1 / per_epoch) == pytest.approx(expected)


def test_uneven_spacing_by_hand():
    loss = np.array([[9.0], [4.0], [2.0], [1.0]])
    # 7 batches, 3 evaluations: after the second, the fifth and the last.
    delta = np.array([0, 2, 3, 2]) / 7
    assert riemann_measure(loss, [1], delta) == pytest.approx((4 * 2 + 2 * 3 + 1 * 2) / 7)


def test_every_replicate_has_its_own_measure():
    loss = np.arange(2 * 3 * 4 * 2, dtype=float).reshape(2, 3, 4, 2)
    measure = riemann_measure(loss, [1, 2], 0.5)
    assert measure.shape == (2, 3)
    for index in np.ndindex(2, 3):
        expected = 0.5 * (sum(loss[index][1:, 0]) + sum(loss[index][2:, 1]))
        assert measure[index] == pytest.approx(expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_counts_and_is_not_finite_makes_its_replicate_so_and_no_other(value):
    loss = np.ones((2, 5, 2))
    loss[1, 4, 0] = value
    assert np.isfinite(riemann_measure(loss, [1, 3], 1.0)).tolist() == [True, False]


def test_single_precision_losses_are_summed_in_double():
    loss = np.full((100_001, 1), 0.1, dtype=np.float32)
    expected = 100_000 * float(np.float32(0.1))
    assert riemann_measure(loss, [1], 1.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("introduced", [[1], [1, 2, 3]])
def test_as_many_introductions_as_tasks_are_needed(introduced):
    with pytest.raises(ValueError, match="2 tasks in the losses"):
        riemann_measure(np.ones((5, 2)), introduced, 1.0)
