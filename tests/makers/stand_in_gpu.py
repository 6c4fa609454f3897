"""A device in place of a GPU: "meta", whose tensors have no values.

An operation on tensors of two devices is an error there too; one that has no deterministic
implementation on a GPU is made one. What needs values is made up.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

DEVICE = torch.device("meta")

# What torch.use_deterministic_algorithms says that a GPU refuses, as far as networks use it.
REFUSED = {
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "_embedding_bag_backward",
    "adaptive_max_pool2d_backward",
    "avg_pool3d_backward",
    "fractional_max_pool2d_backward",
    "fractional_max_pool3d_backward",
    "grid_sampler_2d_backward",
    "grid_sampler_3d_backward",
    "histc",
    "max_unpool2d",
    "max_unpool3d",
    "nll_loss2d_forward",
    "put_",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "reflection_pad3d_backward",
    "upsample_bicubic2d_backward",
    "upsample_bilinear2d_backward",
    "upsample_linear1d_backward",
    "upsample_trilinear3d_backward",
}
# These of floating-point numbers alone; `median` where it gives indices.
REFUSED_OF_FLOATS = {"cumsum", "cumsum_", "median.dim"}


class Deterministic(TorchDispatchMode):
    """Operations on the device that a GPU has no deterministic implementation of are errors."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name, overload = str(function.overloadpacket).removeprefix("aten."), function._overloadname
        if args and isinstance(args[0], torch.Tensor) and args[0].device == DEVICE:
            of_floats = {name, f"{name}.{overload}"} & REFUSED_OF_FLOATS
            if name in REFUSED or (of_floats and args[0].is_floating_point()):
                raise RuntimeError(f"{name} does not have a deterministic implementation")
        return function(*args, **(kwargs or {}))


def make_up_values(patch):
    """Let tensors of the device be copied to the CPU, with random values from 0 to 1, and be true,
    until the patch is undone.
    """
    copied, truth = torch.Tensor.cpu, torch.Tensor.__bool__
    generator = torch.Generator().manual_seed(0)

    def cpu(tensor):
        if not tensor.is_meta:
            return copied(tensor)
        values = torch.rand(tensor.shape, generator=generator, dtype=torch.float64)
        return values.to(tensor.dtype)

    patch.setattr(torch.Tensor, "cpu", cpu)
    patch.setattr(torch.Tensor, "__bool__", lambda t: t.is_meta or truth(t))
