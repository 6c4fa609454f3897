"""The optimizer, against torch's and against the paper's formulas."""

import subprocess
import sys
from pathlib import Path

import torch

from ewc_lambda.learning.adam import Adam

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


def gradients(steps, shape):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator) for _ in range(steps)]


def test_it_is_torchs_fused_adam_to_the_bit():
    start = torch.linspace(-1, 1, 3 * 101).view(3, 101)
    ours, theirs = start.clone(), start.clone()
    gradient = torch.zeros_like(ours)
    theirs.grad = torch.zeros_like(theirs)
    mine, reference = Adam(ours, gradient, 1e-3), torch.optim.Adam([theirs], lr=1e-3, fused=True)
    for drawn in gradients(50, start.shape):
        gradient.copy_(drawn)
        theirs.grad.copy_(drawn)
        mine.step()
        reference.step()
    assert torch.equal(ours, theirs)


def test_the_first_steps_are_those_of_the_paper():
    theta, gradient = torch.tensor([1.0], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    adam = Adam(theta, gradient, 0.1)
    mean = square = 0.0
    expected = 1.0
    for t, g in enumerate([2.0, -1.0, 0.5], start=1):
        gradient.fill_(g)
        adam.step()
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
        corrected = (mean / (1 - 0.9**t), square / (1 - 0.999**t))
        expected -= 0.1 * corrected[0] / (corrected[1] ** 0.5 + 1e-8)
        torch.testing.assert_close(theta, torch.tensor([expected], dtype=torch.float64))


def test_a_training_job_does_not_import_the_compiler():
    code = (
        "import sys, torch; from ewc_lambda.learning.device import open_device; "
        "from ewc_lambda.jobs import steps; from ewc_lambda.learning.adam import Adam; "
        "open_device({'device': 'cpu', 'precision': 'float32'}); "
        "Adam(torch.zeros(2), torch.zeros(2), 0.1).step(); "
        "from torch.func import vmap; vmap(torch.sin)(torch.zeros(2)); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
