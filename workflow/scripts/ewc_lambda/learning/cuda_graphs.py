"""Replaying an update of the weights, so that a small network does not wait for its launches.

On a GPU an update is some hundred small kernels, each of which Python would have to start. A CUDA
graph records them once and starts them together; what they compute is the same to the bit.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

logger = logging.getLogger("ewc_lambda")


# Calls before the recording, in which libraries choose algorithms and take their workspaces.
WARM_UP = 3


class Recorder(Protocol):
    """What records work on a device. ``failed`` says that it is not to be tried again."""

    failed: bool

    def run(self, work: Callable[[], None]) -> None:
        """Do the work as it is, on the stream on which `record` records."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record the work without doing it; what is returned does it."""


class CudaRecorder:
    """Records CUDA graphs, on a stream of its own: libraries are set up per stream."""

    def __init__(self) -> None:
        self.failed = False
        self._stream = torch.cuda.Stream()

    def run(self, work: Callable[[], None]) -> None:
        """See `Recorder`."""
        self._stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(self._stream):
                work()
        finally:
            torch.cuda.current_stream().wait_stream(self._stream)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """See `Recorder`."""
        graph = torch.cuda.CUDAGraph()
        # A recording that fails leaves its stream the current one: the outer context sets it back.
        with (
            torch.cuda.stream(torch.cuda.current_stream()),
            torch.cuda.graph(graph, stream=self._stream),
        ):
            work()
        return graph.replay


class Graphed:
    """A function of tensors, without a result, that is recorded once and replayed from then on.

    The function must change the same tensors, in place, at each call, and decide nothing by
    values. Calls with tensors of other shapes than the first ones (an epoch's last batch) run as
    they are, and so do all calls where the recording fails.

    Raises:
        torch.OutOfMemoryError: the recording does not fit into memory.

    """

    def __init__(self, function: Callable[..., None], recorder: Recorder) -> None:
        self._function = function
        self._recorder = recorder
        self._shapes: list[torch.Size] = []
        self._calls = 0
        self._held: list[Tensor] = []
        self._replay: Callable[[], None] | None = None

    def __call__(self, *inputs: Tensor) -> None:
        """Do what the function does."""
        shapes = [given.shape for given in inputs]
        self._shapes = self._shapes or shapes
        if shapes == self._shapes:
            self._calls += 1
            if self._calls == WARM_UP + 1 and not self._recorder.failed:
                self._record(inputs)
        if self._replay is None or shapes != self._shapes:
            self._recorder.run(lambda: self._function(*inputs))
            return
        for held, given in zip(self._held, inputs, strict=True):
            held.copy_(given)
        self._replay()

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        self._held = [given.clone() for given in inputs]
        try:
            self._replay = self._recorder.record(lambda: self._function(*self._held))
        except torch.OutOfMemoryError:
            raise  # Fewer members may fit.
        except RuntimeError as error:
            # Another recording would fail as this one did.
            self._recorder.failed = True
            reason = str(error).partition("\n")[0]
            logger.warning("updates run one kernel after the other: no CUDA graph (%s)", reason)


@functools.cache
def cuda_recorder() -> CudaRecorder:
    """The process's recorder: each has workspaces of its own."""
    return CudaRecorder()


def graphed(function: Callable[..., None], device: torch.device) -> Callable[..., None]:
    """The function as it is fastest on a device: on a GPU `Graphed`."""
    return Graphed(function, cuda_recorder()) if device.type == "cuda" else function
