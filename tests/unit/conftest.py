"""Settings of the unit tests."""

import numpy as np
import pytest
import torch


@pytest.fixture
def restored():
    """What `open_device` sets for the whole program, set back."""
    switches = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [switch.allow_tf32 for switch in switches]
    mode = torch.get_deterministic_debug_mode()
    fill = torch.utils.deterministic.fill_uninitialized_memory
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        yield
    torch.set_deterministic_debug_mode(mode)
    torch.utils.deterministic.fill_uninitialized_memory = fill
    for switch, on in zip(switches, before, strict=True):
        switch.allow_tf32 = on


@pytest.fixture
def numbered(tmp_path):
    """An .npz of pictures with three classes, each sample holding its own number."""
    counts = {"train": 90, "test": 30}
    content = {}
    for split, count in counts.items():
        number = np.arange(count, dtype=np.uint8) + (0 if split == "train" else 100)
        content[f"x_{split}"] = np.broadcast_to(number[:, None, None], (count, 2, 2)).copy()
        content[f"x_{split}"][:, 0, 0] = 255
        content[f"y_{split}"] = np.arange(count) % 3
    np.savez(tmp_path / "numbered.npz", **content)
    return {"dataset": "npz", "npz_file": str(tmp_path / "numbered.npz")}
