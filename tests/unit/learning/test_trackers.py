"""Importance measures that follow the training against hand calculations and closed forms."""

import pytest
import torch
from builders import doubles

from ewc_lambda.learning.importance import SYNAPTIC_DAMPING, TRACKERS, tracker


def follow(name, path, gradients=None, final=None):
    """Importance of a path of weights (steps + 1, parameters), handed over as one live tensor
    that is changed in place, as an optimizer does.
    """
    path = torch.tensor(path, dtype=torch.float64).unsqueeze(1)
    live = path[0].clone()
    tracker = TRACKERS[name](live)
    for number, after in enumerate(path[1:]):
        before = live.clone()
        live.copy_(after)
        gradient = torch.zeros_like(live) if gradients is None else gradients[number].clone()
        tracker.update(before, live, gradient)
        # Nobody may hold on to what was handed over.
        before.fill_(torch.nan)
        gradient.fill_(torch.nan)
    omega = tracker.omega(path[-1])
    live.fill_(torch.nan)
    return omega[0].tolist()


PATH = [
    # crosses zero twice; touches zero and returns; passes through zero; starts at zero; never moves
    [1.0, 1.0, 1.0, 0.0, 2.0],
    [-1.0, 0.0, 0.0, 0.0, 2.0],
    [-1.0, 0.0, -1.0, 3.0, 2.0],
    [2.0, 1.0, -2.0, 1.0, 2.0],
]


def test_sign_flipping_on_a_path_by_hand():
    # An exact zero is no sign: touching it is no flip, passing through it is one.
    assert follow("sign_flipping", PATH) == [1 / 3, 1.0, 1 / 2, 1.0, 1.0]


def test_momentum_based_on_a_path_by_hand():
    # Steps: -2, 0, +3 | -1, 0, +1 | -1, -1, -1 | 0, +3, -2 | none. A rest is no direction.
    assert follow("momentum_based", PATH) == [1 / 2, 1 / 2, 1.0, 1 / 2, 1.0]


def test_weight_change_on_a_path_by_hand():
    assert follow("weight_change", PATH) == [1 / 6, 1 / 3, 1 / 4, 1 / 6, 1.0]


def test_synaptic_intelligence_on_a_path_by_hand():
    gradients = torch.tensor(
        [[3.0, 1.0, 0.0, 7.0, 9.0], [5.0, 1.0, 2.0, -1.0, 9.0], [-1.0, -2.0, 1.0, 0.5, 9.0]],
        dtype=torch.float64,
    ).unsqueeze(1)
    # The drop is minus the sum of gradient times step, the importance that over the square of the
    # whole displacement.
    drops = [3 * 2 - 0 + 1 * 3, 1 + 0 + 2, 0 + 2 + 1, 0 + 3 + 0.5 * 2, 0]
    moved = [1, 0, 9, 1, 0]
    expected = [d / (m + SYNAPTIC_DAMPING) for d, m in zip(drops, moved, strict=True)]
    assert follow("synaptic_intelligence", PATH, gradients) == pytest.approx(expected)


def test_synaptic_intelligence_of_a_weight_that_raised_the_loss_is_zero():
    gradients = torch.ones(3, 1, 5, dtype=torch.float64)
    # With a gradient of one, the drop is minus the displacement: 1, 0, -3, 1, 0.
    assert follow("synaptic_intelligence", PATH, gradients)[0] == 0
    assert follow("synaptic_intelligence", PATH, gradients)[2] > 0


def test_the_damping_of_synaptic_intelligence_is_a_setting():
    start, after = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.5, 0.0]])
    watching = tracker("synaptic_intelligence", start, 0.25)
    watching.update(start, after, torch.tensor([[-2.0, 3.0]]))
    # A drop of 2 * 0.5 over the square of a displacement of 0.5 and the damping.
    assert watching.omega(after).tolist() == [[1 / (0.25 + 0.25), 0.0]]


def test_path_integral_of_descent_on_a_quadratic_loss_is_known():
    # L = 1/2 sum a (theta - c)^2. Steps of size s keep the share r = 1 - s a of the distance d,
    # so the drop is s a^2 d^2 (1 - r^2T) / (1 - r^2); for small steps that is the fall of L.
    curvature = torch.tensor([0.5, 1.0, 4.0], dtype=torch.float64)
    start = torch.tensor([[2.0, -1.0, 0.5]], dtype=torch.float64)
    size, steps = 1e-3, 500
    tracker = TRACKERS["synaptic_intelligence"](start.clone())
    theta = start.clone()
    for _ in range(steps):
        before, gradient = theta.clone(), curvature * theta
        theta -= size * gradient
        tracker.update(before, theta, gradient)
    kept = 1 - size * curvature
    drop = size * curvature**2 * start**2 * (1 - kept ** (2 * steps)) / (1 - kept**2)
    moved = (start * (1 - kept**steps)) ** 2
    omega = tracker.omega(theta)
    torch.testing.assert_close(omega, drop / (moved + SYNAPTIC_DAMPING))
    fall = 0.5 * curvature * (start**2 - theta**2)
    torch.testing.assert_close(omega * (moved + SYNAPTIC_DAMPING), fall, rtol=3e-3, atol=0)


@pytest.mark.parametrize("name", TRACKERS)
def test_tracker_starts_from_the_weights_it_was_given(name):
    start = torch.full((1, 2), -1.0)
    tracker = TRACKERS[name](start)
    after = torch.full((1, 2), 1.0)
    tracker.update(start, after, torch.full((1, 2), -1.0))
    # One flip; no reversal; a distance of 2; a drop of 2 over a displacement of 2.
    expected = {
        "sign_flipping": 1 / 2,
        "momentum_based": 1.0,
        "weight_change": 1 / 3,
        "synaptic_intelligence": 2 / (4 + SYNAPTIC_DAMPING),
    }
    assert tracker.omega(after).tolist() == [pytest.approx([expected[name]] * 2)]


@pytest.mark.parametrize("name", TRACKERS)
def test_tracker_of_weights_changed_in_place_is_that_of_copies(name):
    steps = doubles(20, 2, 6, seed=1)
    gradients = doubles(20, 2, 6, seed=2)
    start = doubles(2, 6, seed=3)
    live = start.clone()
    watching = TRACKERS[name](live)
    copied = TRACKERS[name](start.clone())
    for step, gradient in zip(steps, gradients, strict=True):
        before = live.clone()
        live += step
        watching.update(before, live, gradient)
        copied.update(before.clone(), live.clone(), gradient.clone())
    omega = copied.omega(live.clone())
    assert torch.equal(watching.omega(live), omega)
    # Not the same for all weights: there was something to see.
    assert omega.unique().numel() > 2


@pytest.mark.parametrize("name", TRACKERS)
def test_tracked_members_do_not_mix(name):
    steps, gradients = doubles(20, 2, 6, seed=1), doubles(20, 2, 6, seed=2)
    rows = []
    for members in ([0, 1], [0], [1]):
        theta = doubles(2, 6, seed=3)[members]
        tracker = TRACKERS[name](theta.clone())
        for step, gradient in zip(steps, gradients, strict=True):
            before = theta.clone()
            theta = theta + step[members]
            tracker.update(before, theta, gradient[members])
        rows.append(tracker.omega(theta))
    assert torch.equal(rows[0], torch.cat(rows[1:]))
