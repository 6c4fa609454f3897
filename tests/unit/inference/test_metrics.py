"""Metrics of the field on a matrix of accuracies, by hand."""

import numpy as np
import pytest

from ewc_lambda.inference.metrics import (
    accuracy_matrix,
    average_accuracy,
    backward_transfer,
    forgetting,
    forward_transfer,
)

# Row: after which task; column: accuracy on which task.
MATRIX = np.array([[0.9, 0.3, 0.1], [0.95, 0.8, 0.2], [0.6, 0.7, 0.85]])
UNTRAINED = np.array([0.1, 0.25, 0.15])


def test_average_accuracy_is_the_mean_of_the_last_row():
    assert average_accuracy(MATRIX) == pytest.approx((0.6 + 0.7 + 0.85) / 3)


def test_forgetting_is_the_maximum_minus_the_last():
    # The first task was best after the second one, not after its own training.
    assert forgetting(MATRIX) == pytest.approx(((0.95 - 0.6) + (0.8 - 0.7)) / 2)


def test_forgetting_does_not_count_accuracy_before_a_task_was_trained():
    matrix = MATRIX.copy()
    matrix[0, 1] = 0.99
    assert forgetting(matrix) == forgetting(MATRIX)


def test_forgetting_is_negative_where_the_last_is_the_best():
    assert forgetting(np.array([[0.5, 0.0], [0.7, 0.9]])) == pytest.approx(-0.2)


def test_backward_transfer_is_the_last_minus_the_one_after_the_task_itself():
    assert backward_transfer(MATRIX) == pytest.approx(((0.6 - 0.9) + (0.7 - 0.8)) / 2)


def test_forward_transfer_is_the_one_before_the_task_minus_that_of_the_base_model():
    expected = ((0.3 - 0.25) + (0.2 - 0.15)) / 2
    assert forward_transfer(MATRIX, UNTRAINED) == pytest.approx(expected)


def test_leading_dimensions_are_kept():
    both = np.stack([MATRIX, MATRIX / 2])
    untrained = np.stack([UNTRAINED, UNTRAINED / 2])
    for found in (
        average_accuracy(both),
        forgetting(both),
        backward_transfer(both),
        forward_transfer(both, untrained),
    ):
        assert found.shape == (2,)
        assert found[1] == pytest.approx(found[0] / 2)


def test_one_task_has_no_transfer_and_nothing_to_forget():
    matrix = np.full((2, 1, 1), 0.9)
    assert average_accuracy(matrix).tolist() == [0.9, 0.9]
    for found in (
        forgetting(matrix),
        backward_transfer(matrix),
        forward_transfer(matrix, np.full((2, 1), 0.1)),
    ):
        assert found.shape == (2,)
        assert np.isnan(found).all()


def test_accuracy_matrix_takes_the_evaluations_at_the_end_of_each_task():
    # Evaluation 0 is that of the base model; two of each of three tasks follow.
    accuracy = np.arange(2 * 7 * 3, dtype=float).reshape(2, 7, 3)
    found = accuracy_matrix(accuracy, 2)
    assert found.shape == (2, 3, 3)
    assert np.array_equal(found, accuracy[:, [2, 4, 6], :])
