"""Weights in files: by name, in the order of torch, and of a known digest."""

import errno

import pytest
import torch
from builders import base_model, problem
from plain_networks import original_trunk
from safetensors.torch import load_file
from torch import nn

from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.networks.weights import load_importance, load_state, save_state
from ewc_lambda.store.records import file_digest

CPU = torch.device("cpu")

MODELS = pytest.mark.parametrize("model", ["mlp", "original_cnn"])


def state(model, members=None):
    """A problem with parameters and buffers that are all different."""
    of = problem(model=model)
    theta, buffers = base_model(of)
    generator = torch.Generator().manual_seed(1)
    if members:
        theta, buffers = theta.expand(members, -1), buffers.expand(members, -1)
    theta = theta + 0.1 * torch.randn(theta.shape, generator=generator)
    return of, theta, buffers + torch.rand(buffers.shape, generator=generator)


@MODELS
@pytest.mark.parametrize("members", [None, 3])
def test_flat_vectors_are_read_as_they_were_written(tmp_path, model, members):
    of, theta, buffers = state(model, members)
    path = tmp_path / "weights.safetensors"
    digest = save_state(path, of.layout, theta, buffers)
    assert digest == file_digest(path)
    found_theta, found_buffers = load_state(path, of.layout, digest, CPU)
    assert torch.equal(found_theta, theta)
    assert torch.equal(found_buffers, buffers)


@MODELS
def test_importances_lie_beside_the_weights_under_their_names(tmp_path, model):
    of, theta, buffers = state(model, 2)
    path = tmp_path / "weights.safetensors"
    generator = torch.Generator().manual_seed(2)
    omegas = {
        name: torch.rand(2, of.layout.shared, generator=generator) for name in ("fisher", "random")
    }
    digest = save_state(path, of.layout, theta, buffers, omegas)
    for name, omega in omegas.items():
        assert torch.equal(load_importance(path, of.layout, name, digest, CPU), omega)
    assert torch.equal(load_state(path, of.layout, digest, CPU)[0], theta)
    with pytest.raises(StudyError, match="holds no importance 'none'"):
        load_importance(path, of.layout, "none", digest, CPU)


def plain_cnn():
    """The same layers, written down in torch alone; parameters in the order of the names."""
    return nn.ModuleDict(
        {
            "trunk": original_trunk(64, 32),
            "heads": nn.ModuleList([nn.Linear(32, 3), nn.Linear(32, 3)]),
        }
    )


def plain_mlp():
    trunk = nn.Sequential(nn.Flatten(), nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 5), nn.ReLU())
    heads = nn.ModuleList([nn.Linear(5, 3), nn.Linear(5, 3)])
    return nn.ModuleDict({"trunk": trunk, "heads": heads})


@MODELS
def test_a_plain_torch_module_with_the_tensors_of_the_file_gives_the_same_output(tmp_path, model):
    of, theta, buffers = state(model)
    path = tmp_path / "weights.safetensors"
    save_state(path, of.layout, theta, buffers)
    module = plain_mlp() if model == "mlp" else plain_cnn()
    found = module.load_state_dict(load_file(path), strict=False)
    assert found.unexpected_keys == []
    assert all(name.endswith("num_batches_tracked") for name in found.missing_keys)
    module.eval()
    of.network.eval()
    parts = {**of.layout.split_parameters(theta), **of.layout.split_buffers(buffers)}
    x, _ = of.selection[0].take(slice(None))
    with torch.no_grad():
        for task in (0, 1):
            expected = torch.func.functional_call(of.network, parts, (x, task, 3))
            output = module["heads"][task](module["trunk"](x))
            torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-4)


def test_kernels_in_the_file_have_the_order_of_torch(tmp_path):
    of, theta, buffers = state("original_cnn")
    save_state(tmp_path / "a.safetensors", of.layout, theta, buffers)
    kernel = load_file(tmp_path / "a.safetensors")["trunk.0.4.weight"]
    assert kernel.shape == (32, 32, 3, 3)
    assert torch.equal(kernel, of.layout.split_parameters(theta)["trunk.0.4.weight"])


def test_the_same_weights_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        of, theta, buffers = state("original_cnn", 2)
        save_state(
            tmp_path / name, of.layout, theta, buffers, {"fisher": theta[:, : of.layout.shared]}
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_weights_of_another_digest_are_refused(tmp_path):
    of, theta, buffers = state("mlp")
    path = tmp_path / "base_model.safetensors"
    digest = save_state(path, of.layout, theta, buffers)
    theta[3] += 1e-6
    assert save_state(path, of.layout, theta, buffers) != digest
    for load in (
        lambda: load_state(path, of.layout, digest, CPU),
        lambda: load_importance(path, of.layout, "fisher", digest, CPU),
    ):
        with pytest.raises(BrokenFileError, match="its SHA-256 is not the recorded") as caught:
            load()
        assert caught.value.path == path


def test_missing_weights_and_files_of_another_kind_are_refused(tmp_path):
    of, _, _ = state("mlp")
    path = tmp_path / "a.safetensors"
    with pytest.raises(BrokenFileError, match="the file is missing"):
        load_state(path, of.layout, "0" * 64, CPU)
    path.write_text("no weights at all")
    with pytest.raises(BrokenFileError, match="not a safetensors file"):
        load_state(path, of.layout, file_digest(path), CPU)


def test_a_full_disk_is_one_message_and_leaves_the_old_weights(tmp_path, monkeypatch):
    of, theta, buffers = state("mlp")
    path = tmp_path / "a.safetensors"
    digest = save_state(path, of.layout, theta, buffers)

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(StudyError, match="No space left on device"):
        save_state(path, of.layout, theta + 1, buffers)
    monkeypatch.undo()
    assert torch.equal(load_state(path, of.layout, digest, CPU)[0], theta)
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_weights_that_the_system_cuts_short_are_one_message(tmp_path):
    resource = pytest.importorskip("resource")
    of, theta, buffers = state("original_cnn")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(StudyError, match="cannot be written"):
            save_state(tmp_path / "a.safetensors", of.layout, theta, buffers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
