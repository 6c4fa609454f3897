"""Exact Fisher information of the original's network against a loop over samples.

    python benchmarks/fisher.py [--samples 1000] [--turns 5]

Both run on one thread in one process, in turns, on the same weights and images; their results are
compared first. The ratio is the median over turns of ratios of CPU seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable

import torch
from shared.plain import CLASSES, PlainNetwork, fisher_by_samples

from ewc_lambda.config.study_config import resolve
from ewc_lambda.learning.device import open_device
from ewc_lambda.learning.losses import fisher_directions
from ewc_lambda.learning.sample_gradients import Trained, sum_sample_gradients
from ewc_lambda.networks.models import Layout, build_network


def same_order(names: Iterable[str], tensors: Iterable[torch.Tensor]) -> dict[str, torch.Tensor]:
    return dict(zip(names, tensors, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    plain = PlainNetwork()
    config = resolve({"model": "original_cnn"})
    open_device(config)  # deterministic, as in a job
    network = build_network(config, (1, 28, 28), [CLASSES, CLASSES])
    layout = Layout.of(network)
    running = [buffer for buffer in plain.buffers() if buffer.ndim]  # without the batch counts
    of = Trained(
        network,
        layout,
        layout.join(same_order(layout.parameters, plain.parameters()), "parameters").detach(),
        layout.join(same_order(layout.buffers, running), "buffers"),
        (0, CLASSES),
    )
    images = torch.rand(given.samples, 28, 28, 1).movedim(-1, -3)

    def ours(x: torch.Tensor) -> torch.Tensor:
        loss = "binary_cross_entropy"
        return sum_sample_gradients(of, x, lambda z, _: fisher_directions(z, loss), 2)

    found = layout.split_shared(ours(images))
    expected = fisher_by_samples(plain, images.contiguous(), 0)
    worst = max(
        float(((one - other).abs().max() / other.abs().max()).item())
        for one, other in zip(found.values(), expected, strict=True)
    )
    seconds = []
    for _ in range(given.turns):
        start = time.process_time()
        ours(images)
        between = time.process_time()
        fisher_by_samples(plain, images.contiguous(), 0)
        seconds.append((between - start, time.process_time() - between))
    own, loop = (statistics.median(values) for values in zip(*seconds, strict=True))
    ratio = statistics.median(loop / own for own, loop in seconds)
    print(f"exact Fisher, {given.samples} samples of 1 x 28 x 28, {CLASSES} outputs, one thread")
    print(f"ours                {1e3 * own / given.samples:6.2f} ms CPU a sample")
    print(
        f"loop over samples   {1e3 * loop / given.samples:6.2f} ms CPU a sample, {ratio:.1f} times"
    )
    print(f"largest difference  {worst:.1e} of the largest value of a tensor")


if __name__ == "__main__":
    main()
