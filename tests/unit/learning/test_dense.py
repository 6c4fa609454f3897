"""Batched products of dense layers against vmap, and both against members that take turns."""

from dataclasses import dataclass
from unittest import mock

import pytest
import torch
from builders import doubles
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations

from ewc_lambda.learning import members as members_module
from ewc_lambda.learning.dense import ACTIVATIONS, dense_chain
from ewc_lambda.learning.losses import LOSSES, loss_slopes, sample_losses
from ewc_lambda.learning.members import Members, Part, Samples
from ewc_lambda.networks.models import Layout, Network

LAYERS = st.tuples(
    st.integers(1, 6), st.booleans(), st.sampled_from([*ACTIVATIONS, nn.Identity, None])
)


@dataclass(frozen=True)
class Drawn:
    """A network of dense layers (width, bias, activation), and batches of so many samples: one for
    each of the tasks that an update sees.
    """

    shape: tuple = (3,)
    layers: tuple = ((4, True, nn.ReLU),)
    heads: str = "per_task"
    outputs: tuple = (3, 2)
    loss: str = "softmax_cross_entropy"
    members: int = 2
    batches: tuple = (5,)
    nested: bool = False

    def network(self):
        width, modules = torch.Size(self.shape).numel(), [nn.Flatten()]
        for outputs, bias, activation in self.layers:
            modules.append(nn.Linear(width, outputs, bias=bias))
            modules += [activation()] if activation else []
            width = outputs
        half = len(modules) // 2
        if self.nested:
            modules = [nn.Sequential(*modules[:half]), nn.Sequential(*modules[half:])]
        return Network(nn.Sequential(*modules), self.shape, self.outputs, self.heads).double()

    def parts(self, network):
        """Batches of one task after the other; the stage is the last task that has one."""
        stage = len(self.batches) - 1
        return [
            Part(
                doubles(self.members, size, *self.shape, seed=task),
                self.targets(network.route(task, stage)[1], (self.members, size), task),
                network.route(task, stage),
            )
            for task, size in enumerate(self.batches)
        ]

    def targets(self, width, leading, seed):
        if self.loss == "mean_squared_error":
            return doubles(*leading, width, seed=seed + 7)
        return torch.randint(width, leading, generator=torch.Generator().manual_seed(seed))

    def of(self, network, way):
        layout = Layout.of(network)
        theta = doubles(self.members, layout.size, seed=1)
        buffers = torch.zeros(self.members, 0, dtype=torch.float64)
        chain = dense_chain if way == "dense" else lambda _: None
        with mock.patch.object(members_module, "dense_chain", chain):
            return Members(network, layout, theta, buffers, self.loss, way != "looped")


@st.composite
def drawn_members(draw):
    outputs = tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=2)))
    return Drawn(
        tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))),
        tuple(draw(st.lists(LAYERS, min_size=1, max_size=4))),
        draw(st.sampled_from(["per_task", "shared", "growing"])),
        outputs,
        draw(st.sampled_from(LOSSES)),
        draw(st.integers(1, 4)),
        tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=2))),
        draw(st.booleans()),
    )


CLOSE = {"rtol": 1e-10, "atol": 1e-12}
JOINT = Drawn(batches=(5, 2))


@given(drawn_members(), st.integers(1, 9))
@example(Drawn(members=1, batches=(1,), layers=((1, False, None),), outputs=(1, 1)), 1)
@example(JOINT, 3)
@example(Drawn(heads="growing", outputs=(2, 3), batches=(4, 4)), 3)
def test_three_ways_compute_the_same(drawn, rows):
    network = drawn.network()
    parts = drawn.parts(network)
    found = {}
    for way in ("dense", "vmap", "looped"):
        members = drawn.of(network, way)
        assert (members._dense is not None) is (way == "dense")
        # What an update before has left is no part of the next gradient.
        for view in members.layout.split_parameters(members.gradient).values():
            view.fill_(3.0)
        members.backward(parts)
        x = doubles(7, *drawn.shape, seed=9)
        y = drawn.targets(parts[0].route[1], (7,), 9)
        if x.ndim == 4:
            x = x.movedim(1, -1)
        with mock.patch.object(members_module, "DENSE_ROWS", rows):
            seen = members.evaluate(Samples(x, y), parts[0].route)
        found[way] = (members.gradient, *seen)
    for way in ("vmap", "looped"):
        torch.testing.assert_close(found["dense"], found[way], equal_nan=True, **CLOSE)


@given(drawn_members())
def test_a_member_is_what_it_is_alone(drawn):
    network = drawn.network()
    together = drawn.of(network, "dense")
    parts = drawn.parts(network)
    together.backward(parts)
    for member in range(drawn.members):
        row = slice(member, member + 1)
        buffers = torch.zeros(1, 0, dtype=torch.float64)
        alone = Members(
            network, together.layout, together.theta[row], buffers, drawn.loss, stacked=True
        )
        alone.backward([Part(part.x[row], part.y[row], part.route) for part in parts])
        torch.testing.assert_close(together.gradient[row], alone.gradient, **CLOSE)


@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
def test_a_member_that_diverges_leaves_the_others_alone(bad):
    drawn = Drawn(members=3)
    network = drawn.network()
    members, sound = drawn.of(network, "dense"), drawn.of(network, "dense")
    members.theta[1] = bad
    for each in (members, sound):
        each.backward(drawn.parts(network))
    assert not members.gradient[1].isfinite().all()
    torch.testing.assert_close(members.gradient[::2], sound.gradient[::2])


@pytest.mark.parametrize("loss", LOSSES)
def test_slopes_of_losses_are_those_of_autograd(loss):
    logits = (3 * doubles(2, 5, 4)).requires_grad_()
    y = torch.tensor([[0, 1, 2, 3, 0], [3, 3, 1, 0, 2]])
    targets = doubles(2, 5, 4, seed=1) if loss == "mean_squared_error" else y
    (expected,) = torch.autograd.grad(sample_losses(logits, targets, loss).sum(), logits)
    before = logits.detach().clone()
    torch.testing.assert_close(loss_slopes(logits.detach(), targets, loss), expected)
    torch.testing.assert_close(logits.detach(), before)


def chain_of(*modules, shape=(6,)):
    return dense_chain(Network(nn.Sequential(*modules), shape, (2,), "per_task"))


def test_a_chain_is_its_layers_by_name():
    links = chain_of(nn.Flatten(), nn.Linear(6, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 3)))
    assert [link.name for link in links] == ["trunk.1", "trunk.3.0"]
    assert links[0].activation is ACTIVATIONS[nn.ReLU]
    assert links[1].activation is None


class Own(nn.Sequential):
    """A chain that is none."""

    def forward(self, x):
        return 2 * super().forward(x)


class OwnLinear(nn.Linear):
    pass


def twice():
    layer = nn.Linear(6, 6)
    return [layer, nn.ReLU(), layer]


def tied():
    layers = [nn.Linear(6, 6), nn.Linear(6, 6)]
    layers[1].weight = layers[0].weight
    return layers


def frozen():
    layer = nn.Linear(6, 6)
    layer.bias.requires_grad_(False)
    return [layer]


def hooked():
    layer = nn.Linear(6, 6)
    layer.register_forward_hook(lambda module, inputs, output: 2 * output)
    return [layer]


@pytest.mark.parametrize(
    "modules",
    [
        [nn.Linear(6, 4), nn.Softplus()],
        [nn.Linear(6, 4), nn.ReLU(), nn.Tanh()],
        [nn.ReLU(), nn.Linear(6, 4)],
        [nn.Linear(6, 4), nn.LayerNorm(4)],
        [nn.BatchNorm1d(6), nn.Linear(6, 4)],
        [Own(nn.Linear(6, 4))],
        [OwnLinear(6, 4)],
        [parametrizations.weight_norm(nn.Linear(6, 4))],
        twice(),
        tied(),
        frozen(),
        hooked(),
    ],
    ids=str,
)
def test_what_is_no_chain_of_dense_layers_goes_the_general_way(modules):
    assert chain_of(*modules) is None


def test_the_chain_of_a_linear_network_is_empty():
    assert chain_of(nn.Flatten()) == []


def test_a_hook_on_the_whole_trunk_goes_the_general_way():
    trunk = nn.Sequential(nn.Linear(6, 4))
    trunk.register_forward_hook(lambda module, inputs, output: 2 * output)
    assert dense_chain(Network(trunk, (6,), (2,), "per_task")) is None


def test_a_trunk_with_buffers_goes_the_general_way():
    trunk = nn.Sequential(nn.Linear(6, 4))
    trunk[0].register_buffer("scale", torch.ones(2))
    assert dense_chain(Network(trunk, (6,), (2,), "per_task")) is None


def test_bfloat16_goes_the_general_way():
    network = Drawn().network().float()
    layout = Layout.of(network)
    buffers = torch.zeros(2, 0)
    members = Members(
        network, layout, torch.zeros(2, layout.size), buffers, LOSSES[0], True, bfloat16=True
    )
    assert members._dense is None
