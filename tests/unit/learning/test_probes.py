"""Models whose layers a fast way mistakes: found out, said, and computed rightly."""

import pytest
import torch
from builders import base_model, finished
from custom_models import BRANCHES, PLAIN, PRELU, SHAPE, TWICE, custom, prepared, study
from drawn_tasks import importance_by_loop

from ewc_lambda.learning.importance import POSTERIOR
from ewc_lambda.learning.problems import build_problem


@pytest.fixture
def write(tmp_path):
    return lambda text: custom(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "gradients", "said"),
    [
        (PLAIN, True, []),
        (TWICE, True, []),
        (BRANCHES, False, ["members are trained one", "one sample after another"]),
        (PRELU, False, ["one sample after another"]),
    ],
    ids=["plain", "a layer used twice", "branches", "learned slopes"],
)
def test_what_has_to_go_a_slow_way_is_said_in_the_log(text, gradients, said, write, caplog):
    of = build_problem(study(write(text)), prepared())
    assert of.network.vmapped_gradients is gradients
    assert len(caplog.messages) == len(said)
    for message, words in zip(caplog.messages, said, strict=True):
        assert message.startswith("model_file: ")
        assert words in message


@pytest.mark.parametrize("samples", [1, 4, 31, 32, 33, 40])
@pytest.mark.parametrize("text", [TWICE, BRANCHES, PRELU], ids=["twice", "branches", "slopes"])
def test_importance_of_a_model_that_goes_a_slow_way_is_that_of_a_loop(text, samples, write):
    of = build_problem(study(write(text)), prepared())
    generator = torch.Generator().manual_seed(samples)
    theta, buffers = base_model(of)
    theta = theta + 0.1 * torch.randn(len(theta), generator=generator)
    x = torch.randn(samples, *SHAPE, generator=generator)
    y = torch.arange(samples) % 3
    loss = "softmax_cross_entropy"
    done = finished(of.network, of.layout, theta, x, y, loss, buffers=buffers)
    found = POSTERIOR["fisher_exact"](done)
    expected = importance_by_loop(done, "fisher_exact")
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-7)
