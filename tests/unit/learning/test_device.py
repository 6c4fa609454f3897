"""Where training computes: a GPU that is not there, memory that does not suffice, operations that
are not deterministic, reduced precision. No GPU is needed, and none was used.
"""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from builders import base_model, members_of, moved, problem, streams
from stand_in_gpu import DEVICE, Deterministic, make_up_values

from ewc_lambda.config.study_config import resolve, steps_per_job
from ewc_lambda.errors import StudyError
from ewc_lambda.jobs.open_trial import OpenTrial
from ewc_lambda.learning.device import as_fits, bfloat16_units, open_device
from ewc_lambda.learning.importance import IMPORTANCE
from ewc_lambda.learning.losses import LOSSES
from ewc_lambda.learning.members import Members, Part
from ewc_lambda.learning.optimizers import Rule
from ewc_lambda.learning.sequence import (
    base_state,
    concatenated,
    run_sequence,
    train_first_task,
    with_importance,
)
from ewc_lambda.results.runs import Run

pytestmark = pytest.mark.usefixtures("restored")

LAMBDAS = torch.tensor([0.0, 1.0, 10.0, 100.0, 1000.0])


def trained(of, part=slice(None), count=5):
    """The end of a whole sequence for some of the members."""
    theta, buffers = base_model(of)
    own = streams(count)[part]
    start = base_state(of, theta, buffers, len(own))
    return run_sequence(of, start, own, LAMBDAS[part], "fisher_sampled")


class Memory:
    """A device that holds so many members: training more of them runs out of memory."""

    def __init__(self, members):
        self.members = members
        self.tried = []

    def train(self, of):
        def run(part):
            count = part.stop - part.start
            self.tried.append(count)
            if count > self.members:
                # After some work, as it would.
                trained(of, slice(part.start, part.start + 1))
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return trained(of, part)

        return run


@pytest.mark.parametrize("stacked", [True, False], ids=["stacked", "looped"])
@pytest.mark.parametrize("fits", [1, 2, 3])
def test_members_that_do_not_fit_are_split_with_equal_results(fits, stacked, caplog):
    of = problem(stacked=stacked, dtype=torch.float64)
    whole = trained(of)
    memory = Memory(fits)
    with caplog.at_level(logging.WARNING, "ewc_lambda"):
        parts = as_fits(5, memory.train(of))
    split = concatenated(parts)
    assert max(memory.tried[1:]) < 5
    assert sum(len(part.theta) for part in parts) == 5
    assert all(len(part.theta) <= fits for part in parts)
    torch.testing.assert_close(split.theta, whole.theta, rtol=1e-9, atol=1e-12)
    for one, other in zip(split.history.loss, whole.history.loss, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    assert "5 members do not fit into the device's memory: split in two" in caplog.text


def test_members_that_fit_are_trained_once_and_together():
    of = problem()
    memory = Memory(5)
    assert len(as_fits(5, memory.train(of))) == 1
    assert memory.tried == [5]


def test_networks_that_do_not_fit_for_evaluation_are_split_with_equal_results(monkeypatch):
    of = problem()
    splits = [{"test": (s.x.numpy(), s.y.numpy())} for s in of.selection]
    opened = OpenTrial(
        {"replicates": 5, "randomness": "independent"},
        0,
        SimpleNamespace(splits=splits, standard=None, scale=1.0),
        of,
        base_model(of),
        {},
        "",
    )
    theta, buffers = base_model(of)
    theta = theta + torch.arange(5.0)[:, None]
    run = Run(*np.ones((3, 5, 1)), np.zeros(1), [], {}, {})

    def found():
        tested = opened.tested(run, theta, buffers.expand(5, -1))
        start, _ = opened.start(None, None)
        return tested.test_loss, tested.test_accuracy, start.theta, start.history.loss[0]

    whole = found()
    tried, evaluate = [], Members.evaluate

    def narrow(members, *given):
        tried.append(len(members))
        if len(members) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return evaluate(members, *given)

    monkeypatch.setattr(Members, "evaluate", narrow)
    for one, other in zip(found(), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert whole[0].shape == (5, 2)
    assert tried == 2 * [5, 2, 2, 3, 1, 1, 2, 2]


def test_one_member_that_does_not_fit_ends_with_what_to_do():
    with pytest.raises(
        StudyError, match=r"one network with its samples does not .* smaller batch_size"
    ):
        as_fits(4, Memory(0).train(problem()))


def test_an_operation_that_is_not_deterministic_ends_with_what_to_do():
    open_device(resolve({}))
    assert not torch.utils.deterministic.fill_uninitialized_memory
    # One that has no deterministic implementation on any device.
    with pytest.raises(StudyError, match=r"put_ does not have .* Allowed: device cpu"):
        as_fits(1, lambda _: torch.zeros(3).put_(torch.tensor([0]), torch.ones(1)))


def test_other_errors_are_left_as_they_are():
    with pytest.raises(RuntimeError, match="must match"):
        as_fits(1, lambda _: torch.zeros(2) + torch.zeros(3))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named_with_its_key(monkeypatch):
    config = resolve({"device": "cuda"})
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(StudyError, match=r"device: cuda, but the installed torch .* without CUDA"):
        open_device(config)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    with pytest.raises(StudyError, match="device: cuda, but torch sees no GPU"):
        open_device(config)


def test_float32_is_no_tf32_unless_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    switches = torch.backends.cuda.matmul, torch.backends.cudnn
    for precision, on in (("tf32", True), ("float32", False), ("bfloat16", False)):
        found = open_device(resolve({"device": "cuda", "precision": precision}))
        assert found.type == "cuda"
        assert [switch.allow_tf32 for switch in switches] == [on, on]


@pytest.mark.parametrize("units", [{}, {"avx512_bf16": True}, {"amx_bf16": True}])
def test_a_processor_without_a_unit_for_bfloat16_is_said(monkeypatch, caplog, units):
    seen = {"avx512_bf16": False, "amx_bf16": False, "avx512_f": True, "cpu_name": "a CPU"}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: seen | units)
    open_device(resolve({"precision": "float32"}))
    assert not caplog.messages
    open_device(resolve({"precision": "bfloat16"}))
    said = [message for message in caplog.messages if "no unit of its own (a CPU)" in message]
    assert len(said) == (not units)


def test_this_processor_says_what_it_has():
    assert set(bfloat16_units()) <= set(torch.cpu.get_capabilities())


def test_tf32_without_a_gpu_is_refused():
    with pytest.raises(StudyError, match=r"precision: tf32 .* device is cpu"):
        resolve({"precision": "tf32"})


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        ({}, 1),
        ({"device": "cuda"}, 9),
        ({"device": "cuda", "steps_per_job": 2}, 2),
        ({"steps_per_job": "round"}, 9),
        ({"racing": True, "steps_per_job": 2}, 9),
    ],
)
def test_a_job_trains_a_whole_round_on_a_gpu_and_in_a_race(given, steps):
    assert steps_per_job(resolve(given)) == steps


@pytest.mark.parametrize("stacked", [True, False], ids=["stacked", "looped"])
@pytest.mark.parametrize("model", ["mlp", "original_cnn"])
def test_bfloat16_rounds_what_layers_compute_and_nothing_else(model, stacked):
    gradients = []
    for bfloat16 in (False, True):
        of = problem(model=model, stacked=stacked, bfloat16=bfloat16)
        members = members_of(of, count=2)
        x, y = of.train[0].take(torch.arange(16).view(2, 8))
        members.backward([Part(x, y, of.network.route(0, 0))])
        assert members.theta.dtype == members.gradient.dtype == torch.float32
        assert torch.equal(members.theta[0], base_model(of)[0])
        gradients.append(members.gradient)
    exact, rough = gradients
    assert not torch.equal(exact, rough)
    # Rounded to 8 bits, and with some rectifiers and maxima on the other side.
    assert torch.nn.functional.cosine_similarity(exact, rough).min() > 0.95


@pytest.fixture
def elsewhere(monkeypatch):
    """A device that is not the CPU."""
    make_up_values(monkeypatch)
    with Deterministic():
        yield DEVICE


@pytest.mark.parametrize("stacked", [True, False], ids=["stacked", "looped"])
@pytest.mark.parametrize("model", ["mlp", "original_cnn"])
@pytest.mark.parametrize("joint", [True, False], ids=["joint", "sequential"])
def test_nothing_that_trains_leaves_the_device(model, stacked, joint, elsewhere):
    of = problem(model=model, stacked=stacked, tasks=3, epochs=1)
    theta, buffers = moved(of, elsewhere)
    start = base_state(of, theta, buffers, 2)
    lambdas = torch.ones(2, device=elsewhere)
    state = run_sequence(of, start, streams(2), lambdas, "weight_decay", joint=joint)
    assert state.theta.is_meta
    assert {loss.device.type for loss in state.history.loss} == {"cpu"}


@pytest.mark.parametrize(
    "rule", [Rule("sgd", "carried", 0.9, 0.01, 1.0), Rule("adam", "carried", 0.0, 0.01, 1.0)]
)
def test_no_optimizer_leaves_the_device(rule, elsewhere):
    of = problem(tasks=3, epochs=1, rule=rule, updates=4)
    start = base_state(of, *moved(of, elsewhere), 2)
    first, _ = train_first_task(of, start, streams(2), [])
    lambdas = torch.ones(2, device=elsewhere)
    state = run_sequence(of, first, streams(2), lambdas, "weight_decay")
    assert all(tensor.is_meta for tensor in (state.theta, *state.memory.values()))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", IMPORTANCE)
def test_no_importance_measure_leaves_the_device(name, loss, elsewhere):
    of = problem(epochs=1, loss=loss)
    theta, buffers = moved(of, elsewhere)
    start = base_state(of, theta, buffers, 2)
    state, omegas = train_first_task(of, start, streams(2), [name])
    assert omegas[name].is_meta
    assert with_importance(of, state, omegas[name]).terms[0].omega.is_meta


def test_the_device_that_stands_in_for_a_gpu_minds_where_tensors_are(elsewhere):
    with pytest.raises(RuntimeError, match="device"):
        torch.zeros(3, device=elsewhere) + torch.zeros(3)


def test_the_device_that_stands_in_for_a_gpu_minds_determinism(elsewhere):
    values = torch.zeros(3, device=elsewhere, requires_grad=True)
    with pytest.raises(RuntimeError, match="cumsum does not have a deterministic"):
        values.cumsum(0)
    torch.zeros(3, dtype=torch.int64, device=elsewhere).cumsum(0)
    torch.zeros(3).cumsum(0)
    image = torch.zeros(1, 2, 6, 6, device=elsewhere, requires_grad=True)
    with pytest.raises(RuntimeError, match="_adaptive_avg_pool2d_backward"):
        torch.nn.functional.adaptive_avg_pool2d(image, 3).sum().backward()
