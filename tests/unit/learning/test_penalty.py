"""The penalty: its value by hand, its gradient against the formula and against autograd."""

import pytest
import torch
from builders import doubles

from ewc_lambda.learning.penalty import Penalty, Term, add_term

LAMBDAS = torch.tensor([0.5, 3.0, 1e4], dtype=torch.float64)


def term(seed, members=3, size=6):
    omega = doubles(members, size, seed=seed).abs()
    # Some parameters do not matter at all.
    omega[:, seed % size] = 0
    return Term(omega, doubles(members, size, seed=seed + 100))


def gradient_of(penalty, theta):
    gradient = torch.zeros_like(theta)
    penalty.add_gradient(theta, gradient)
    return gradient


def test_value_is_half_lambda_times_the_weighted_squares_by_hand():
    omega = torch.tensor([[1.0, 2.0, 0.0]])
    anchor = torch.tensor([[0.0, 1.0, 5.0]])
    theta = torch.tensor([[2.0, 4.0, 9.0]])
    penalty = Penalty(torch.tensor([10.0]), [Term(omega, anchor)])
    # 10 / 2 * (1 * 2^2 + 2 * 3^2 + 0)
    assert penalty.value(theta).tolist() == [110.0]
    assert gradient_of(penalty, theta).tolist() == [[20.0, 60.0, 0.0]]


def test_gradient_of_one_term_is_lambda_omega_times_the_distance():
    one, theta = term(1), doubles(3, 6, seed=9)
    expected = LAMBDAS[:, None] * one.omega * (theta - one.anchor)
    found = gradient_of(Penalty(LAMBDAS, [one]), theta)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_gradient_is_the_derivative_of_the_value(count):
    terms = [term(seed) for seed in range(1, count + 1)]
    penalty = Penalty(LAMBDAS, terms)
    theta = doubles(3, 6, seed=9).requires_grad_()
    (expected,) = torch.autograd.grad(penalty.value(theta).sum(), theta)
    torch.testing.assert_close(gradient_of(penalty, theta.detach()), expected)


def test_gradient_of_several_terms_is_the_sum_of_theirs():
    terms, theta = [term(1), term(2), term(3)], doubles(3, 6, seed=9)
    expected = sum(LAMBDAS[:, None] * t.omega * (theta - t.anchor) for t in terms)
    torch.testing.assert_close(gradient_of(Penalty(LAMBDAS, terms), theta), expected)


def test_parameters_that_matter_to_no_task_of_several_are_free():
    omega = torch.tensor([[0.0, 1.0]])
    terms = [Term(omega, torch.tensor([[1.0, 1.0]])), Term(omega, torch.tensor([[2.0, 3.0]]))]
    found = gradient_of(Penalty(torch.tensor([4.0]), terms), torch.tensor([[7.0, 7.0]]))
    assert found.tolist() == [[0.0, 4 * (6 + 4)]]


def test_gradient_is_added_to_what_is_there():
    one, theta = term(1), doubles(3, 6, seed=9)
    there = doubles(3, 6, seed=10)
    gradient = there.clone()
    Penalty(LAMBDAS, [one]).add_gradient(theta, gradient)
    added = LAMBDAS[:, None] * one.omega * (theta - one.anchor)
    torch.testing.assert_close(gradient, there + added)


def test_gradient_is_added_through_a_view():
    whole = torch.zeros(3, 8, dtype=torch.float64)
    one, theta = term(1), doubles(3, 6, seed=9)
    Penalty(LAMBDAS, [one]).add_gradient(theta, whole[:, :6])
    assert (whole[:, 6:] == 0).all()
    assert (whole[:, :6] != 0).any()


@pytest.mark.parametrize("lambdas", [torch.zeros(3), torch.zeros(3, dtype=torch.float64)])
def test_lambda_of_zero_leaves_the_gradient_bit_for_bit(lambdas):
    gradient = doubles(3, 6, seed=10)
    before = gradient.clone()
    penalty = Penalty(lambdas, [term(1)])
    penalty.add_gradient(doubles(3, 6, seed=9), gradient)
    assert torch.equal(gradient, before)
    assert penalty.value(doubles(3, 6, seed=9)).tolist() == [0.0] * 3


def test_members_of_lambda_zero_beside_others_are_left_alone():
    theta, gradient = doubles(3, 6, seed=9), doubles(3, 6, seed=10)
    before = gradient.clone()
    penalty = Penalty(torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64), [term(1)])
    penalty.add_gradient(theta, gradient)
    assert torch.equal(gradient[[0, 2]], before[[0, 2]])
    assert not torch.equal(gradient[1], before[1])


@pytest.mark.parametrize("infinite", ["weights", "importance", "anchor"])
def test_what_is_infinite_in_a_member_of_lambda_zero_does_not_come_near_its_gradient(infinite):
    one, theta = term(1), doubles(3, 6, seed=9)
    given = {"weights": theta, "importance": one.omega, "anchor": one.anchor}[infinite]
    given[0], given[2, 1] = torch.inf, -torch.inf if infinite != "importance" else torch.inf
    penalty = Penalty(torch.tensor([0.0, 2.0, 0.0], dtype=torch.float64), [one])
    there = doubles(3, 6, seed=10)
    gradient = there.clone()
    penalty.add_gradient(theta, gradient)
    assert torch.equal(gradient[[0, 2]], there[[0, 2]])
    expected = there[1] + 2 * one.omega[1] * (theta[1] - one.anchor[1])
    torch.testing.assert_close(gradient[1], expected)


def test_penalty_of_no_finished_task_is_zero():
    penalty = Penalty(LAMBDAS, [])
    gradient = torch.zeros(3, 6, dtype=torch.float64)
    penalty.add_gradient(doubles(3, 6), gradient)
    assert (gradient == 0).all()
    assert penalty.value(doubles(3, 6)).tolist() == [0.0] * 3


def test_penalty_of_a_plain_run_that_diverged_is_zero_and_not_nan():
    penalty = Penalty(torch.zeros(1), [Term(torch.ones(1, 2), torch.zeros(1, 2))])
    assert penalty.value(torch.full((1, 2), torch.inf)).tolist() == [0.0]


def test_zero_importance_everywhere_has_no_pull_at_any_lambda():
    nothing = Term(torch.zeros(1, 3), torch.ones(1, 3))
    for terms in ([nothing], [nothing, nothing]):
        penalty = Penalty(torch.tensor([1e30]), terms)
        assert gradient_of(penalty, torch.full((1, 3), 5.0)).tolist() == [[0.0] * 3]
        assert penalty.value(torch.full((1, 3), 5.0)).tolist() == [0.0]


def test_separate_terms_are_kept_one_by_one():
    terms = add_term(add_term([], term(1), "separate", 0.5), term(2), "separate", 0.5)
    assert len(terms) == 2
    assert torch.equal(terms[0].omega, term(1).omega)
    assert torch.equal(terms[1].anchor, term(2).anchor)


def test_online_term_decays_the_older_importance_around_the_newest_weights():
    terms = []
    for seed in (1, 2, 3):
        terms = add_term(terms, term(seed), "online", 0.5)
    (one,) = terms
    expected = 0.25 * term(1).omega + 0.5 * term(2).omega + term(3).omega
    torch.testing.assert_close(one.omega, expected)
    assert torch.equal(one.anchor, term(3).anchor)
    theta = doubles(3, 6, seed=9)
    torch.testing.assert_close(
        gradient_of(Penalty(LAMBDAS, terms), theta),
        LAMBDAS[:, None] * expected * (theta - term(3).anchor),
    )


@pytest.mark.parametrize("mode", ["separate", "online"])
def test_adding_a_term_does_not_change_the_list_it_is_added_to(mode):
    before = [term(1)]
    add_term(before, term(2), mode, 0.5)
    assert len(before) == 1
    assert torch.equal(before[0].omega, term(1).omega)
