"""Updates that are replayed, as a CUDA graph replays them on a GPU: an emulation on the CPU keeps
to the rules of one, reading and writing the memory of the recording and nothing else.
"""

import logging

import pytest
import torch
from builders import members_of, moved, problem, streams
from stand_in_gpu import DEVICE, make_up_values
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ewc_lambda.learning import cuda_graphs, training
from ewc_lambda.learning.augmentation import Augmentation
from ewc_lambda.learning.cuda_graphs import Graphed
from ewc_lambda.learning.device import as_fits, open_device
from ewc_lambda.learning.importance import TRACKERS
from ewc_lambda.learning.penalty import Penalty, Term
from ewc_lambda.learning.training import train_stage

# That of the device itself.
OWN = "own"
# Batches before the recording.
WARM_UP = 3


class Recording(TorchDispatchMode):
    """Takes note of the operations that run, and of what they overwrite."""

    def __init__(self):
        super().__init__()
        self.operations = []
        self.overwritten = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing")
        for argument, value in zip(function._schema.arguments, args, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                self.overwritten += [(tensor, tensor.clone()) for tensor in tree_leaves(value)]
        result = function(*args, **kwargs)
        self.operations.append((function, args, kwargs, result))
        return result


class Emulated:
    """Records as a GPU does: without effect, and bound to the tensors that were there."""

    def __init__(self):
        self.failed = False
        self.recordings = 0
        self.replays = 0

    def run(self, work):
        work()

    def record(self, work):
        self.recordings += 1
        recording = Recording()
        with recording:
            work()
        with torch.no_grad():
            for tensor, before in reversed(recording.overwritten):
                tensor.copy_(before)

        def replay():
            self.replays += 1
            with torch.no_grad():
                for function, args, kwargs, result in recording.operations:
                    again = function(*args, **kwargs)
                    for held, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                        if isinstance(held, torch.Tensor) and held.data_ptr() != new.data_ptr():
                            held.copy_(new)

        return replay


class NothingOnTheCpu(TorchDispatchMode):
    """Fails where a tensor of the CPU takes part: a GPU cannot record what copies one."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves((args, kwargs, result)):
            if isinstance(tensor, torch.Tensor) and tensor.device.type == "cpu":
                raise RuntimeError(f"{function}: a tensor of the CPU")
        return result


class OnDevice(Emulated):
    """Records on the device that stands in for a GPU, where nothing is computed."""

    def record(self, work):
        self.recordings += 1
        with NothingOnTheCpu():
            work()
        return work


class Failing(Emulated):
    """A device on which nothing can be recorded."""

    def record(self, work):
        super().record(work)
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")


def trained(
    monkeypatch, recorder, importance=(), joint=False, lambda_=3.0, device="cpu", **changes
):
    """Weights, what was seen and importance after the second of two tasks."""
    # Five whole batches an epoch and one that is smaller.
    of = problem(**{"samples": 22, "batch_size": 4, "epochs": 2} | changes)
    theta, buffers = moved(of, device)
    members = members_of(of, 2, theta.expand(2, -1), buffers.expand(2, -1))
    generator = torch.Generator().manual_seed(3)
    omega, anchor = torch.rand(2, 2, of.layout.shared, generator=generator).to(device)
    penalty = Penalty(torch.tensor([lambda_, 0.5], device=device), [Term(omega, anchor)])
    with monkeypatch.context() as patch:
        if recorder is None:
            patch.setattr(training, "graphed", lambda f, _: f)
        elif recorder != OWN:
            patch.setattr(training, "graphed", lambda f, _: Graphed(f, recorder))
        history, omegas = train_stage(of, members, 1, streams(2), penalty, importance, joint=joint)
    seen = [*history.loss, *history.accuracy, *history.penalty]
    return [members.theta, members.buffers, *seen, *omegas.values()]


def check_equal(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


CASES = pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "original_cnn"},
        {"joint": True},
        {"importance": list(TRACKERS)},
        {"model": "original_cnn", "augmentation": Augmentation(0.1, 10.0, True), "joint": True},
        {"loss": "binary_cross_entropy", "heads": "growing"},
        {"bfloat16": True},
    ],
    ids=["mlp", "cnn", "joint", "trackers", "augmented", "growing", "bfloat16"],
)


@CASES
def test_replayed_training_is_training_to_the_bit(changes, monkeypatch):
    recorder = Emulated()
    found = trained(monkeypatch, recorder, **changes)
    check_equal(found, trained(monkeypatch, None, **changes))
    assert recorder.replays == 2 * 5 - WARM_UP
    other = trained(monkeypatch, None, **changes, lambda_=30.0)
    assert not torch.equal(found[0], other[0])


@pytest.mark.parametrize("batches", [1, 2, 3, 4, 5])
def test_whole_batches_are_replayed_and_an_epochs_last_one_is_not(batches, monkeypatch):
    recorder = Emulated()
    changes = {"samples": 4 * batches + 2, "epochs": 5}
    check_equal(trained(monkeypatch, recorder, **changes), trained(monkeypatch, None, **changes))
    assert recorder.replays == 5 * batches - WARM_UP
    assert recorder.recordings == 1


@CASES
def test_nothing_is_copied_to_the_device_in_an_update(changes, monkeypatch, caplog):
    if "bfloat16" in changes:
        pytest.skip("the device that stands in for a GPU has no autocast")
    make_up_values(monkeypatch)
    recorder = OnDevice()
    with caplog.at_level(logging.WARNING, "ewc_lambda"):
        trained(monkeypatch, recorder, device=DEVICE, **changes)
    assert recorder.recordings == 1
    assert not caplog.messages


def test_members_that_do_not_fit_while_they_are_recorded_are_split(monkeypatch, caplog):
    class Full(Emulated):
        def record(self, work):
            if not self.recordings:
                self.recordings += 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return super().record(work)

    recorder = Full()
    with caplog.at_level(logging.WARNING, "ewc_lambda"):
        parts = as_fits(2, lambda _: trained(monkeypatch, recorder))
    assert len(parts) == 2
    assert recorder.recordings == 3
    assert not recorder.failed
    assert caplog.messages == ["2 members do not fit into the device's memory: split in two"]


def test_where_nothing_can_be_recorded_training_is_the_same_and_says_so(monkeypatch, caplog):
    recorder = Failing()
    with caplog.at_level(logging.WARNING, "ewc_lambda"):
        found = trained(monkeypatch, recorder)
        trained(monkeypatch, recorder)
    check_equal(found, trained(monkeypatch, None))
    # It is tried once.
    assert (recorder.recordings, recorder.replays) == (1, 0)
    (message,) = caplog.messages
    assert message.endswith("no CUDA graph (operation not permitted when stream is capturing)")


def test_looped_members_and_a_cpu_are_not_recorded(monkeypatch):
    recorder = Emulated()
    check_equal(
        trained(monkeypatch, recorder, stacked=False), trained(monkeypatch, None, stacked=False)
    )
    assert recorder.replays == 0
    monkeypatch.setattr(cuda_graphs, "cuda_recorder", lambda: recorder)
    assert training.graphed(print, torch.device("cpu")) is print
    assert isinstance(training.graphed(print, torch.device("cuda")), Graphed)


def test_emulation_tells_what_is_not_changed_in_place():
    sums = []
    for recorder in (None, Emulated()):

        class Sum:
            total = torch.zeros(2)

            def add(self, x):
                self.total = self.total + x

        adder = Sum()
        add = adder.add if recorder is None else Graphed(adder.add, recorder)
        for value in range(8):
            add(torch.full((2,), float(value)))
        sums.append(adder.total)
    assert not torch.equal(*sums)


def test_emulation_refuses_what_waits_for_a_value(caplog):
    total = torch.zeros(())

    def add_positive(x):
        if x.sum() > 0:
            total.add_(x.sum())

    graphed = Graphed(add_positive, Emulated())
    with caplog.at_level(logging.WARNING, "ewc_lambda"):
        for value in range(8):
            graphed(torch.full((2,), float(value)))
    assert total == 2 * sum(range(8))
    assert "no CUDA graph" in caplog.text


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is to be seen")
@pytest.mark.usefixtures("restored")
@CASES
def test_cuda_graphs_are_replayed_and_change_no_bit(changes, monkeypatch, caplog):
    open_device({"device": "cuda", "precision": "float32"})
    replays, once = [], torch.cuda.CUDAGraph.replay
    monkeypatch.setattr(torch.cuda.CUDAGraph, "replay", lambda g: replays.append(once(g)))
    with caplog.at_level(logging.WARNING, "ewc_lambda"):
        found = trained(monkeypatch, OWN, device="cuda", **changes)
    assert not caplog.messages
    assert len(replays) == 2 * 5 - WARM_UP
    check_equal(found, trained(monkeypatch, None, device="cuda", **changes))
