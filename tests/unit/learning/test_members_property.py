"""Whole runs of stacked, looped and split members against a plain loop in torch, at any size."""

from dataclasses import replace
from unittest import mock

import numpy as np
import torch
from builders import members_of
from drawn_runs import DrawnRun, drawn_runs, plain_run
from drawn_tasks import Conv
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ewc_lambda.learning import members as members_module
from ewc_lambda.learning.sequence import concatenated
from ewc_lambda.results.runs import Run, introductions

# Evaluations go through in batches of so many samples.
BATCHES = st.sampled_from([1, 3, 10, 11, 12, 500])
# A run takes a hundred times as long as a sum over samples.
WHOLE = settings(max_examples=settings.default.max_examples // 2)
RUNS = settings(max_examples=settings.default.max_examples // 4)


UNEVEN = DrawnRun(
    (2, 5, 4),
    (Conv(3, (3, 2)), "batch", 4),
    "growing",
    (2, 3, 5),
    (11, 7, 9),
    chosen={"batch_size": 3, "evaluations_per_epoch": 2, "importance_samples": 5, "epochs": 2},
)


def trained(drawn, stacked, batch, **how):
    with (
        mock.patch.object(members_module, "STACKED_BATCH", batch),
        mock.patch.object(members_module, "LOOPED_BATCH", batch),
    ):
        of, states = drawn.run(stacked, **how)
    return of, concatenated(states)


def measure(of, state):
    loss, penalty = (torch.stack(v, 1).numpy() for v in (state.history.loss, state.history.penalty))
    chosen = of.settings
    introduced = introductions(of.tasks, chosen.epochs, chosen.evaluations_per_epoch)
    epoch = np.array(state.history.epoch)
    return Run(loss, loss, penalty, epoch, introduced, {}, {}).measure


def area(losses, epochs, chosen):
    """The measure, one rectangle after the other."""
    total = 0.0
    for task in range(losses.shape[1]):
        for before, now, loss in zip(epochs, epochs[1:], losses[1:, task].tolist(), strict=False):
            if now > task * chosen.epochs:
                total += loss * (now - before)
    return total


@WHOLE
@given(drawn_runs(), st.booleans(), BATCHES)
# The running statistics of one member were changed before the way back had used them.
@example(DrawnRun((1, 4, 4), (Conv(4), "batch", 3), lambdas=(1.0,)), True, 500)
@example(replace(UNEVEN, lambdas=(0.0, 20.0)), True, 10)
@example(replace(UNEVEN, lambdas=(0.0, 20.0)), False, 3)
@example(replace(UNEVEN, joint=True), True, 3)
@example(replace(UNEVEN, joint=True), False, 10)
def test_a_run_is_that_of_a_plain_loop(drawn, stacked, batch):
    of, state = trained(drawn, stacked, batch)
    measures = measure(of, state)
    close = {"rtol": 1e-6, "atol": 1e-8}
    for member in range(len(drawn.lambdas)):
        theta, buffers, losses, epochs = plain_run(of, drawn, member)
        torch.testing.assert_close(state.theta[member], theta, **close)
        torch.testing.assert_close(state.buffers[member], buffers.to(state.buffers), **close)
        seen = torch.stack([loss[member] for loss in state.history.loss])
        torch.testing.assert_close(seen, losses, **close)
        np.testing.assert_allclose(state.history.epoch, epochs, rtol=1e-12)
        np.testing.assert_allclose(measures[member], area(losses, epochs, of.settings), rtol=1e-6)


@RUNS
@given(drawn_runs(), st.booleans(), BATCHES, st.integers(1, 2))
def test_members_that_are_split_are_those_that_are_trained_together(drawn, stacked, batch, cut):
    _, whole = trained(drawn, stacked, batch)
    cut = min(cut, len(drawn.lambdas) - 1)
    parts = [slice(0, cut), slice(cut, len(drawn.lambdas))] if cut else None
    _, split = trained(drawn, stacked, batch, parts=parts)
    # Not bit for bit: Adam's kernel rounds the ends of a tensor in its own way.
    close = {"rtol": 1e-6, "atol": 1e-9}
    torch.testing.assert_close(whole.theta, split.theta, **close)
    torch.testing.assert_close(whole.buffers, split.buffers, **close)
    for one, other in zip(whole.terms, split.terms, strict=True):
        torch.testing.assert_close(one.omega, other.omega, **close)


@RUNS
@given(drawn_runs(), st.booleans())
@example(DrawnRun((1, 4, 4), (Conv(4), "batch", 3)), True)
def test_gradients_in_bfloat16_are_those_of_float32_within_its_seven_bits(drawn, stacked):
    gradients = []
    for bfloat16 in (False, True):
        of = drawn.problem(stacked, torch.float32, bfloat16=bfloat16)
        members = members_of(of, 2)
        x, y = of.train[0].take(torch.tensor([[0, 1], [1, 0]]))
        members.backward([members_module.Part(x, y, of.network.route(0, 0))])
        gradients.append(members.gradient.clone())
    exact, rounded = gradients
    # A few layers, each of which rounds its inputs, weights and outputs to 2^-8.
    assert (rounded - exact).norm() <= 0.1 * exact.norm() + 1e-6
