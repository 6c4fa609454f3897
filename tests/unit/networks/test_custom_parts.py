"""Parts of a user's model that are not trained as others are: frozen parameters, whole numbers,
counts of batches.
"""

import copy

import numpy as np
import pytest
import torch
from builders import streams
from custom_models import HEAD, SHAPE, body, prepared, study

from ewc_lambda.errors import StudyError
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.learning.sequence import base_state, run_sequence
from ewc_lambda.networks.models import bound_copy, draw_network, flat_state
from ewc_lambda.networks.weights import load_state, save_state
from ewc_lambda.seeding import trial_generator

FROZEN = body(
    "first = nn.Linear(6, 5).requires_grad_(False)",
    "return nn.Sequential(first, nn.ReLU(), nn.Linear(5, 4))",
)
RECURRENT = body(
    "class Last(nn.GRU):",
    "    def forward(self, x):",
    "        return super().forward(x[:, :, None])[0][:, -1]",
    "layer = Last(1, 4, batch_first=True).requires_grad_(False)",
    "return nn.Sequential(layer, nn.Linear(4, 4))",
)
# As Swin's table of places: whole numbers by which outputs are picked.
PICKING = (
    HEAD
    + """
class Picking(nn.Linear):
    def __init__(self):
        super().__init__(6, 4)
        self.register_buffer("places", torch.tensor([3, 0, 1]))
        self.register_buffer("mask", torch.tensor([True, False, True]), persistent=False)

    def forward(self, x):
        return super().forward(x)[:, self.places] * self.mask


def trunk(input_shape):
    return Picking()
"""
)
# Without a momentum the average weighs all batches alike, by their count.
AVERAGED = body("return nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4, momentum=None))")


@pytest.fixture
def trained(tmp_path):
    """Train a model of this text on two tasks, from weights that went through a file."""

    def trained(text, trial=0, **config):
        path = tmp_path / "model.py"
        path.write_text(text)
        chosen = study({"model": "custom", "model_file": str(path), "heads": "per_task"}) | config
        of = build_problem(chosen, prepared())
        network = draw_network(chosen, SHAPE, [3, 3], trial_generator(7, trial, "weights"))
        theta, buffers = flat_state(network, of.layout)
        digest = save_state(tmp_path / "base.safetensors", of.layout, theta, buffers)
        base = load_state(tmp_path / "base.safetensors", of.layout, digest, of.device)
        start = base_state(of, *base, 2)
        state = run_sequence(of, start, streams(2), torch.ones(2), "fisher")
        assert torch.stack(state.history.loss).isfinite().all()
        return of, network, start, state

    return trained


@pytest.mark.parametrize("members", ["stacked", "looped"])
def test_frozen_parameters_are_kept_and_neither_trained_nor_penalized(members, trained):
    of, network, start, state = trained(FROZEN, members=members)
    assert not any(name.startswith("trunk.0") for name in of.layout.parameters)
    assert of.layout.shared == 5 * 4 + 4
    assert state.terms[0].omega.shape[1] == of.layout.shared
    kept = of.layout.split_buffers(state.buffers)
    for name in ("weight", "bias"):
        drawn = getattr(network.trunk[0], name)
        for member in range(2):
            torch.testing.assert_close(kept[f"trunk.0.{name}"][member], drawn, rtol=0, atol=0)
    assert (state.theta != start.theta).any()


def test_stacked_and_looped_members_with_a_frozen_part_agree(trained):
    stacked, looped = (trained(FROZEN, members=way)[3].theta for way in ("stacked", "looped"))
    torch.testing.assert_close(stacked, looped, rtol=1e-3, atol=1e-4)


def test_a_recurrent_layer_computes_with_its_own_frozen_parameters(trained):
    of, network, _, state = trained(RECURRENT, members="auto")
    x = torch.rand(3, *SHAPE)
    wanted = network.trunk[0](x)
    held = bound_copy(build_other(of.network), of.layout, state.theta[0], state.buffers[0])
    torch.testing.assert_close(held.trunk[0](x), wanted)


def build_other(network):
    """The same network with other values in all its tensors."""
    other = copy.deepcopy(network)
    for tensor in (*other.parameters(), *other.buffers()):
        tensor.data.fill_(9.0)
    return other


def test_frozen_parameters_are_those_of_their_trial(trained):
    one, other = (trained(FROZEN, trial=trial)[3].buffers for trial in (0, 1))
    assert (one != other).all()


@pytest.mark.parametrize("members", ["stacked", "looped"])
def test_whole_numbers_that_never_change_are_let_in(members, trained):
    of, _, start, state = trained(PICKING, members=members)
    assert not of.layout.buffers
    assert (state.theta != start.theta).any()
    # Outputs of the layer that are never picked, or masked, have no say.
    omega = of.layout.split_shared(state.terms[0].omega)["trunk.bias"]
    assert (omega[:, [0, 2]] == 0).all()
    assert (omega[:, [3, 1]] > 0).all()


def test_whole_numbers_that_are_drawn_are_refused(trained):
    text = PICKING.replace("torch.tensor([3, 0, 1])", "torch.randperm(4)[:3]")
    with pytest.raises(StudyError, match=r"places of the trunk .* whole numbers that are drawn"):
        trained(text)


def test_an_average_over_all_batches_counts_them_for_each_member(trained):
    of, _, _, state = trained(AVERAGED, members="auto")
    assert not of.settings.stacked, "the count decides what vmap cannot follow"
    counts = of.layout.split_buffers(state.buffers)["trunk.1.num_batches_tracked"]
    batches = 2 * of.settings.epochs * int(np.ceil(20 / of.settings.batch_size))
    assert counts.tolist() == [batches] * 2
