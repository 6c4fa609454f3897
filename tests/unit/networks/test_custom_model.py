"""A model from a user's file: run, trained like any other, and refused where it cannot serve."""

import sys
from pathlib import Path

import pytest
import torch
from builders import base_model, members_of, streams
from custom_models import (
    BRANCHES,
    HEAD,
    PLAIN,
    PRELU,
    SCALED,
    SHAPE,
    TWICE,
    body,
    custom,
    prepared,
    study,
)
from torch.func import functional_call

from ewc_lambda.errors import StudyError
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.learning.sequence import base_state, run_sequence
from ewc_lambda.networks.custom_model import draws_weights
from ewc_lambda.networks.models import Layout, build_network, draw_network, flat_state
from ewc_lambda.seeding import trial_generator
from ewc_lambda.store.code import code_digest
from ewc_lambda.store.provenance import own_files, provenance

ROOT = Path(__file__).parents[3]
BAD = {
    "no function": (HEAD, "defines no function trunk"),
    "not a function": (HEAD + "trunk = 3\n", "defines no function trunk"),
    "syntax": ("def trunk(:\n", "line 1: SyntaxError"),
    "exception in the file": (HEAD + "\nraise ValueError('no')\n", "line 4: ValueError: no"),
    "exit in the file": ("import sys\nsys.exit(3)\n", "line 2: SystemExit: 3"),
    "missing package": ("import no_such_package\n", "line 1: ModuleNotFoundError"),
    "exception in the function": (body("return 1 / 0"), "line 4: ZeroDivisionError"),
    "no module": (body("return [nn.Linear(6, 4)]"), "returned list, it must return a torch.nn"),
    "no parameters": (body("return nn.Flatten()"), "has no parameters to train"),
    "input of another width": (body("return nn.Linear(5, 4)"), "RuntimeError: mat1 and mat2"),
    "output of the wrong shape": (
        body("return nn.Sequential(nn.Linear(6, 4), nn.Unflatten(1, (2, 2)))"),
        r"returned \(2, 2, 2\) for inputs of shape \(2, 6\), it must return \(2, features\)",
    ),
    "output of another length": (
        body("return nn.Sequential(nn.Linear(6, 4), nn.Flatten(0))"),
        r"returned \(8,\) for inputs",
    ),
    "two outputs": (
        HEAD
        + "class Two(nn.Linear):\n    def forward(self, x):\n        return x, x\n"
        + "def trunk(input_shape):\n    return Two(6, 4)\n",
        "returned tuple for inputs",
    ),
    "nothing but frozen parameters": (
        body("return nn.Linear(6, 4).requires_grad_(False)"),
        "has no parameters to train",
    ),
    "frozen layers that share a weight": (
        body(
            "one, two = nn.Linear(6, 6), nn.Linear(6, 6)",
            "two.weight = one.weight",
            "parts = nn.Sequential(one, two).requires_grad_(False)",
            "return nn.Sequential(parts, nn.Linear(6, 4))",
        ),
        "but a layer does not hold them by their names",
    ),
    "double precision": (
        body(
            "class Double(nn.Module):",
            "    def __init__(self):",
            "        super().__init__()",
            "        self.w = nn.Parameter(torch.ones(6, 4).double())",
            "    def forward(self, x):",
            "        return (x.double() @ self.w).float()",
            "return Double()",
        ),
        "w of .* is float64; every parameter must be float32, and every buffer float32 or whole",
    ),
    "half precision": (
        body("return nn.Linear(6, 4).half()"),
        r"weight of .* is float16; every parameter must be float32",
    ),
    "no gradient": (
        body(
            "class Closed(nn.Linear):",
            "    @torch.no_grad()",
            "    def forward(self, x):",
            "        return super().forward(x)",
            "return Closed(6, 4)",
        ),
        "has no gradient, so nothing can be trained; leave no_grad",
    ),
    "its own place": (
        HEAD + "FOLDER = __file__\n",
        "line 3: NameError: .*; a model file stands alone: write what it takes from its folder",
    ),
    "dropout": (
        body("return nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.5))"),
        r"draws random numbers while it is trained, in its layer 1 \(Dropout\)",
    ),
    "dropout in a function": (
        body(
            "class Dropping(nn.Linear):",
            "    def forward(self, x):",
            "        return nn.functional.dropout(super().forward(x), training=self.training)",
            "return nn.Sequential(nn.Sequential(nn.Flatten(), Dropping(6, 4)))",
        ),
        r"in its layer 0\.1 \(Dropping\)",
    ),
    "dropout in the trunk itself": (
        body(
            "class Dropping(nn.Linear):",
            "    def forward(self, x):",
            "        return nn.functional.dropout(super().forward(x), training=self.training)",
            "return Dropping(6, 4)",
        ),
        "in its forward",
    ),
    "whole numbers that change": (
        body(
            "class Counting(nn.Linear):",
            "    def forward(self, x):",
            "        self.seen += self.training",
            "        return super().forward(x)",
            "layer = Counting(6, 4)",
            "layer.register_buffer('seen', torch.tensor(0))",
            "return layer",
        ),
        "seen of .* holds whole numbers that change while it is trained",
    ),
    "output that is not finite": (
        body("return nn.Sequential(nn.Linear(6, 4), nn.LogSigmoid(), nn.Threshold(9, torch.nan))"),
        "returned what is not finite",
    ),
    "outputs that depend on other samples": (
        body(
            "class Centred(nn.Linear):",
            "    def forward(self, x):",
            "        return super().forward(x - x.mean(0))",
            "return Centred(6, 4)",
        ),
        "another output where others are beside it",
    ),
}


@pytest.fixture
def write(tmp_path):
    return lambda text: custom(tmp_path, text)


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_serve_is_named_with_what_is_wrong(what, write):
    text, message = BAD[what]
    with pytest.raises(StudyError, match=message) as caught:
        build_network(write(text), SHAPE, (3, 3))
    assert str(caught.value).startswith("model_file: ")
    assert "model.py" in str(caught.value)


def test_initial_weights_are_the_files_own_drawn_for_the_trial(write):
    config = write(PLAIN)

    def drawn(trial):
        network = draw_network(config, SHAPE, (3, 3), trial_generator(3, trial, "weights"))
        return flat_state(network, Layout.of(network))[0]

    torch.manual_seed(0)
    first, before = drawn(0), torch.get_rng_state()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(drawn(0), first)
    assert not torch.equal(drawn(1), first)
    # torch's own bound for a dense layer of 6 inputs, not that of the project's models.
    trunk = first[: 4 * 6 + 4]
    assert trunk.abs().max() <= 6**-0.5
    assert (trunk[24:] != 0).all()


def test_weights_that_do_not_come_from_the_seed_are_refused(write):
    lines = "layer = nn.Linear(6, 4)", "generator = torch.Generator()", "generator.seed()"
    fill = "nn.init.normal_(layer.weight, generator=generator)"
    config = write(body(*lines, fill, "return layer"))
    with pytest.raises(StudyError, match=r"weight of the trunk of .* has other initial weights"):
        draw_network(config, SHAPE, (3, 3), trial_generator(3, 0, "weights"))


def test_a_module_beside_the_file_is_told_to_be_written_into_it(write):
    config = write("from layers import make\n")
    for name, said in (("layers.py", True), ("other.py", False)):
        beside = Path(config["model_file"]).with_name(name)
        beside.write_text("")
        with pytest.raises(StudyError, match="No module named 'layers'") as caught:
            build_network(config, SHAPE, (3, 3))
        beside.unlink()
        assert ("a model file stands alone" in str(caught.value)) == said


def test_weights_that_no_seed_changes_are_found(write):
    assert draws_weights(write(PLAIN), SHAPE)
    fixed = body("torch.manual_seed(42)", "return nn.Linear(6, 4)")
    assert not draws_weights(write(fixed), SHAPE)


def test_lazy_layers_are_made_and_seeded(write):
    config = write(body("return nn.LazyLinear(4)"))
    first, second = (
        draw_network(config, SHAPE, (3, 3), trial_generator(3, 0, "weights")) for _ in range(2)
    )
    assert first.trunk.weight.shape == (4, 6)
    assert torch.equal(first.trunk.weight, second.trunk.weight)


@pytest.mark.parametrize(
    ("text", "stacked", "layerwise"),
    [
        (PLAIN, True, True),
        (TWICE, True, False),
        (SCALED, True, False),
        (BRANCHES, False, False),
        (PRELU, True, False),
    ],
    ids=["plain", "a layer used twice", "a layer with a scale", "branches", "learned slopes"],
)
def test_members_and_gradients_take_the_way_that_the_model_allows(text, stacked, layerwise, write):
    of = build_problem(study(write(text)), prepared())
    assert of.settings.stacked is stacked
    assert of.network.layerwise is layerwise


def test_members_that_cannot_be_stacked_are_refused_where_stacked_is_asked_for(write):
    with pytest.raises(StudyError, match=r"^members: stacked needs .* Allowed with it: auto"):
        build_problem(study(write(BRANCHES)) | {"members": "stacked"}, prepared())


@pytest.mark.parametrize(
    "text",
    [PLAIN, TWICE, SCALED, BRANCHES, PRELU],
    ids=["plain", "twice", "scaled", "branches", "learned slopes"],
)
def test_fisher_information_of_any_model_is_that_of_plain_autograd(text, write):
    of = build_problem(study(write(text), batch_size=20, epochs=1), prepared())
    start = base_state(of, *base_model(of), 1)
    state = run_sequence(of, start, streams(1), torch.ones(1), "fisher")
    (term,) = state.terms
    weights = torch.cat([term.anchor[0], state.theta[0, of.layout.shared :]])
    # Its head was the first task's own, and has not moved since.
    x, _ = of.train[0].take(slice(None))
    expected = torch.zeros(of.layout.shared)
    for sample in x:
        leaf = weights.clone().requires_grad_()
        parts = of.layout.split_parameters(leaf), of.layout.split_buffers(state.buffers[0])
        logits = functional_call(of.network, parts, (sample.unsqueeze(0), 0, 3))[0]
        shares = logits.softmax(0).detach()
        for label in range(3):
            score = logits.log_softmax(0)[label]
            (row,) = torch.autograd.grad(score, leaf, retain_graph=True)
            expected += shares[label] * row[: of.layout.shared] ** 2 / len(x)
    torch.testing.assert_close(term.omega[0], expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("text", [TWICE, BRANCHES], ids=["twice", "branches"])
def test_looped_members_of_any_model_train_all_tasks(text, joint, write):
    of = build_problem(study(write(text)) | {"members": "looped"}, prepared())
    start = base_state(of, *base_model(of), 2)
    state = run_sequence(of, start, streams(2), torch.ones(2), "fisher", joint=joint)
    assert torch.stack(state.history.loss).isfinite().all()
    assert (state.theta != start.theta).any(dim=1).all()


def test_stacked_and_looped_members_of_a_custom_model_agree(write):
    seen = {}
    for way in ("stacked", "looped"):
        of = build_problem(study(write(TWICE)) | {"members": way}, prepared())
        theta, buffers = base_model(of)
        members = members_of(of, theta=theta.expand(2, -1), buffers=buffers.expand(2, -1))
        start = base_state(of, members.theta[0], members.buffers[0], 2)
        state = run_sequence(of, start, streams(2), torch.ones(2), "fisher")
        seen[way] = state.theta
    torch.testing.assert_close(seen["stacked"], seen["looped"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("batch_size", [19, 1])
def test_a_last_batch_of_one_sample_is_refused_where_it_cannot_be_normalized(batch_size, write):
    config = study(
        write(body("return nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4))")),
        batch_size=batch_size,
    )
    message = "batch_size: task 0 has 20 training samples, so that its last batch holds one"
    with pytest.raises(StudyError, match=message):
        build_problem(config, prepared())
    assert build_problem({**config, "batch_size": 18}, prepared())


def test_no_compiled_code_is_left_beside_the_file(write, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    config = write(PLAIN)
    build_network(config, SHAPE, (3, 3))
    assert [path.name for path in Path(config["model_file"]).parent.iterdir()] == ["model.py"]


def test_a_changed_file_changes_the_digest_of_the_code_and_the_provenance(write):
    seen = []
    for text in (PLAIN, PLAIN + "more = 1\n"):
        config = write(text)
        code = code_digest("create_base_model", files=own_files(config))
        code_digest.cache_clear()
        seen.append((code, provenance(code, config)["model_sha256"]))
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]
    assert own_files({**config, "model": "mlp"}) == ()


def test_a_missing_file_is_named_before_anything_runs(tmp_path):
    config = {"model": "custom", "model_file": str(tmp_path / "none.py")}
    with pytest.raises(StudyError, match=r"^model_file: .*none\.py cannot be read"):
        own_files(config)


def test_the_example_of_the_documentation_is_a_model():
    path = ROOT / "config/models/residual_mlp.py"
    config = {"model": "custom", "model_file": str(path), "heads": "per_task"}
    network = draw_network(config, (1, 8, 8), (5, 5), trial_generator(1, 0, "weights"))
    inputs, width = 64, 32
    block = 2 * width + width * width + width
    assert Layout.of(network).shared == inputs * width + width + 2 * block
    assert path.read_text() in (ROOT / "docs/own-model.md").read_text()
