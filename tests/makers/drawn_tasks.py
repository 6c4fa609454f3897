"""Finished tasks of drawn sizes, and their importance by a plain loop: for property tests."""

import math
from dataclasses import dataclass, replace

import torch
from builders import doubles, finished, plain_module
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from ewc_lambda.networks.models import Layout, Network
from ewc_lambda.networks.trunks import GroupNorm

LOSSES = ("softmax_cross_entropy", "binary_cross_entropy", "mean_squared_error")
MEASURES = (
    *("fisher_exact", "fisher_sampled", "fisher_empirical", "memory_aware_synapses"),
    *("fisher_predicted", "fisher_reversed"),
)
HEADS = ("per_task", "shared", "growing")
WAYS = ("layers", "vmap", "loop")


@dataclass(frozen=True)
class Conv:
    """What torch's convolution takes, (rows, columns) where it is a pair."""

    outputs: int = 2
    kernel: tuple = (3, 3)
    stride: tuple = (1, 1)
    padding: tuple = (0, 0)
    dilation: tuple = (1, 1)
    groups: int = 1
    bias: bool = True

    def fits(self, height, width):
        """The same with as much padding as the kernel needs."""
        needed = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        missing = [
            max(p, math.ceil((n - side) / 2))
            for p, n, side in zip(self.padding, needed, (height, width), strict=True)
        ]
        return replace(self, padding=tuple(missing))


@dataclass(frozen=True)
class Drawn:
    """A task that was trained, as sizes and choices; ``layers`` of `Conv`, "batch", "group",
    "pool", and a number for a dense layer of that width.
    """

    shape: tuple = (6,)
    layers: tuple = (5,)
    heads: str = "per_task"
    outputs: tuple = (3, 2)
    task: int = 0
    loss: str = "softmax_cross_entropy"
    measure: str = "fisher_exact"
    samples: int = 9
    members: int = 1
    way: str = "layers"
    chunk: int = 32
    chunks_summed: int = 8
    block: int = 1 << 16
    seed: int = 0

    def trunk(self):
        """The trunk: after each layer with weights a smooth activation."""
        layers, channels = [], self.shape[0]
        for layer in self.layers:
            if isinstance(layer, Conv):
                sides = nn.Sequential(*layers).eval()(torch.zeros(1, *self.shape)).shape[2:]
                fitting = layer.fits(*sides)
                layers += [
                    nn.Conv2d(
                        channels,
                        fitting.outputs,
                        fitting.kernel,
                        fitting.stride,
                        fitting.padding,
                        fitting.dilation,
                        fitting.groups,
                        fitting.bias,
                    ),
                    nn.Tanh(),
                ]
                channels = fitting.outputs
            elif layer == "batch":
                layers.append(nn.BatchNorm2d(channels))
            elif layer == "group":
                layers.append(GroupNorm(2 if channels % 2 == 0 else 1, channels))
            elif layer == "pool":
                layers.append(nn.AdaptiveAvgPool2d(2))
            else:
                if not any(isinstance(one, nn.Flatten) for one in layers):
                    layers.append(nn.Flatten())
                width = nn.Sequential(*layers).eval()(torch.zeros(1, *self.shape)).shape[1]
                layers += [nn.Linear(width, layer), nn.Tanh()]
        if not any(isinstance(one, nn.Flatten) for one in layers):
            layers.append(nn.Flatten())
        trunk = nn.Sequential(*layers).train()
        for module in trunk.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.num_batches_tracked = None
        return trunk

    def build(self):
        """The `FinishedTask`, all float64, with a member's weights apart from the next one's."""
        network = Network(self.trunk(), self.shape, self.outputs, self.heads).double()
        if self.way == "loop":
            network.layerwise = network.vmapped_gradients = False
        layout = Layout.of(network)
        width = network.route(self.task, self.task)[1]
        x = doubles(self.samples, *self.shape, seed=self.seed + 1)
        if self.loss == "mean_squared_error":
            y = doubles(self.samples, width, seed=self.seed + 2)
        else:
            y = torch.randint(
                width, (self.samples,), generator=torch.Generator().manual_seed(self.seed)
            )
        theta = 0.5 * doubles(self.members, layout.size, seed=self.seed + 3)
        buffers = 0.5 + doubles(self.members, layout.buffer_size, seed=self.seed + 4).abs()
        done = finished(
            network, layout, theta[0], x, y, self.loss, members=self.members, task=self.task
        )
        return replace(done, theta=theta, buffers=buffers)


def _pairs(values):
    return st.tuples(values, values)


@st.composite
def _convolution(draw, channels):
    groups = draw(st.sampled_from([g for g in (1, 1, 2, 3) if channels % g == 0]))
    return Conv(
        groups * draw(st.integers(1, 4)),
        draw(_pairs(st.integers(1, 3))),
        draw(_pairs(st.integers(1, 2))),
        draw(_pairs(st.integers(0, 2))),
        draw(_pairs(st.integers(1, 2))),
        groups,
        draw(st.booleans()),
    )


@st.composite
def _layers(draw, channels):
    found = []
    for _ in range(draw(st.integers(1, 2))):
        one = draw(_convolution(channels))
        found.append(one)
        channels = one.outputs
        found += draw(st.sampled_from([(), ("batch",), ("group",)]))
    return (*found, *draw(st.sampled_from([(), ("pool",), (3,), ("pool", 4, 3)])))


@st.composite
def drawn_tasks(draw):
    """A `Drawn` with no more than some hundred backward passes in its loop."""
    if draw(st.integers(0, 3)) == 0:
        shape = (draw(st.integers(1, 6)),)
        layers = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    else:
        shape = (draw(st.integers(1, 4)), draw(st.integers(3, 6)), draw(st.integers(3, 6)))
        layers = draw(_layers(shape[0]))
    chunk = draw(st.sampled_from([1, 2, 5, 32]))
    summed = draw(st.sampled_from([1, 3, 8]))
    outputs = draw(st.integers(1, 12))
    # One less, as many and one more than fill some chunks, or any number.
    edge = draw(st.sampled_from([chunk, 2 * chunk, chunk * summed]))
    samples = draw(st.one_of(st.integers(1, 40), st.integers(edge - 1, edge + 1)))
    samples = min(300, max(1, samples))
    if samples * outputs > 400:
        samples, outputs = draw(st.sampled_from([(samples, 1), (400 // outputs, outputs)]))
    second = draw(st.integers(1, 3))
    heads = draw(st.sampled_from(HEADS))
    return Drawn(
        shape,
        layers,
        heads,
        {
            "per_task": (outputs, second),
            "shared": (outputs, outputs),
            "growing": (outputs, outputs + second),
        }[heads],
        draw(st.integers(0, 1)),
        draw(st.sampled_from(LOSSES)),
        draw(st.sampled_from(MEASURES)),
        samples,
        draw(st.sampled_from([1, 1, 2])),
        draw(st.sampled_from(WAYS)),
        chunk,
        summed,
        draw(st.sampled_from([1, 60, 400, 2000, 1 << 16])),
        draw(st.integers(0, 5)),
    )


def importance_by_loop(done, measure):
    """Importance (members, shared), one backward pass per sample and label or output."""
    return torch.stack([_of_member(done, measure, m) for m in range(len(done.theta))])


def _of_member(done, measure, member):
    module = plain_module(done, done.theta[member], done.buffers[member]).eval()
    generator = done.streams[member].generator("labels", done.task)
    shape = len(done.x), done.route[1]
    uniforms, normals = generator.random(shape), generator.standard_normal(shape)
    named = dict(module.named_parameters())
    shared = list(done.layout.split_shared(done.shared[member]))
    total = torch.zeros(done.layout.shared, dtype=torch.float64)
    for number, sample in enumerate(done.x):
        z = module(sample.unsqueeze(0), *done.route)[0]
        drawn = uniforms[number], normals[number]
        for weight, scalar in _scores(z, measure, done.loss, done.y[number], drawn):
            rows = torch.autograd.grad(
                scalar, [named[n] for n in shared], retain_graph=True, allow_unused=True
            )
            whole = {
                n: torch.zeros_like(named[n]) if row is None else row
                for n, row in zip(shared, rows, strict=True)
            }
            row = done.layout.join(whole, "shared")
            total += weight * (row.abs() if measure == "memory_aware_synapses" else row.square())
    return total / len(done.x)


def _scores(z, measure, loss, y, drawn):
    """Pairs of a weight and of what is differentiated, for the outputs z (K,) of one sample."""
    if measure == "memory_aware_synapses":
        return [(1.0, z.square().sum())]
    if measure == "fisher_empirical":
        return [(1.0, _log_likelihood(z, loss, y))]
    if measure == "fisher_sampled":
        return [(1.0, _log_likelihood(z, loss, _draw(z.detach(), loss, *drawn)))]
    if measure == "fisher_predicted":
        likeliest = {"softmax_cross_entropy": z.argmax(), "binary_cross_entropy": z > 0}
        return [(1.0, _log_likelihood(z, loss, likeliest.get(loss, z).detach()))]
    if measure == "fisher_reversed":
        return [(1.0, _log_likelihood(-z, loss, y))]
    if loss == "softmax_cross_entropy":
        p = z.detach().softmax(0)
        return [(p[c], z.log_softmax(0)[c]) for c in range(len(z))]
    if loss == "binary_cross_entropy":
        p = z.detach().sigmoid()
        return [(p[k] * (1 - p[k]), z[k]) for k in range(len(z))]
    return [(1.0, z[k]) for k in range(len(z))]


def _log_likelihood(z, loss, y):
    if loss == "softmax_cross_entropy":
        return z.log_softmax(0)[y]
    if loss == "binary_cross_entropy":
        bits = y if y.ndim else functional.one_hot(y, len(z))
        signs = torch.where(bits.bool(), 1.0, -1.0)
        return functional.logsigmoid(signs * z).sum()
    return -0.5 * (z - y).square().sum()


def _draw(z, loss, uniforms, normals):
    if loss == "softmax_cross_entropy":
        below = 0.0
        for label, share in enumerate(z.softmax(0).tolist()):
            below += share
            if uniforms[0] < below:
                return torch.tensor(label)
        return torch.tensor(len(z) - 1)
    if loss == "binary_cross_entropy":
        return torch.from_numpy(uniforms) < z.sigmoid()
    return z + torch.from_numpy(normals)
