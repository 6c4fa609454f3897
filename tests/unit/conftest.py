"""Settings of the unit tests."""

import pytest
import torch
from hypothesis import settings

# The same examples on every run, and no time limit for one: machines are busy at times.
settings.register_profile("unit", deadline=None, derandomize=True, database=None)
settings.load_profile("unit")


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
