"""Runs through two or three tasks of drawn sizes, and the same by a plain loop in torch."""

from dataclasses import dataclass, field

import torch
from builders import base_model, made_up_samples, plain_module, settings, streams
from drawn_tasks import HEADS, LOSSES, Conv, Drawn, importance_by_loop
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from ewc_lambda.learning.adam import BETAS, EPSILON
from ewc_lambda.learning.importance import FinishedTask
from ewc_lambda.learning.sequence import base_state, run_sequence
from ewc_lambda.learning.training import Problem
from ewc_lambda.networks.models import Layout, Network

LEARNING_RATE = 0.01


@dataclass(frozen=True)
class DrawnRun:
    """A scenario and its training; ``samples`` of each task."""

    shape: tuple = (4,)
    layers: tuple = (5,)
    heads: str = "per_task"
    outputs: tuple = (3, 2)
    samples: tuple = (9, 7)
    lambdas: tuple = (0.0, 10.0)
    measure: str = "fisher_exact"
    chosen: dict = field(default_factory=dict)
    joint: bool = False

    def problem(self, stacked, dtype=torch.float64, **changes):
        """The problem as the project trains it."""
        trunk = Drawn(self.shape, self.layers).trunk()
        network = Network(trunk, self.shape, self.outputs, self.heads).to(dtype)
        of = settings(
            **{"learning_rate": LEARNING_RATE, "stacked": stacked, **self.chosen, **changes}
        )
        splits = []
        for split, counts in ((0, self.samples), (1, [11] * len(self.samples))):
            splits.append(
                [
                    made_up_samples(k, split, n, self.shape, width, of.loss, dtype)
                    for k, (n, width) in enumerate(zip(counts, self.outputs, strict=True))
                ]
            )
        return Problem(network, Layout.of(network), *splits, of)

    def run(self, stacked, parts=None, dtype=torch.float64, **changes):
        """The state after all tasks, trained together or in these parts, and its problem."""
        of = self.problem(stacked, dtype, **changes)
        theta, buffers = base_model(of)
        of.network.to(dtype)
        found = []
        for part in parts or [slice(0, len(self.lambdas))]:
            lambdas = torch.tensor(self.lambdas[part], dtype=dtype)
            start = base_state(of, theta.to(dtype), buffers.to(dtype), len(lambdas))
            drawn = streams(len(self.lambdas))[part]
            state = run_sequence(of, start, drawn, lambdas, self.measure, joint=self.joint)
            found.append(state)
        return of, found


@st.composite
def drawn_runs(draw):
    """A `DrawnRun` of a few updates."""
    tasks = draw(st.integers(2, 3))
    heads = draw(st.sampled_from(HEADS))
    widths = [draw(st.integers(1, 4)) for _ in range(tasks)]
    loss = draw(st.sampled_from(LOSSES))
    if heads == "shared" or (heads == "growing" and loss == "mean_squared_error"):
        widths = [widths[0]] * tasks
    elif heads == "growing":
        widths = [sum(widths[: k + 1]) for k in range(tasks)]
    shape, layers = draw(
        st.sampled_from(
            [
                ((4,), (5,)),
                ((3,), (4, 3)),
                ((2, 4, 4), (Conv(3), 4)),
                ((1, 4, 4), (Conv(4), "batch", 3)),
                ((2, 5, 4), (Conv(2), "batch", Conv(4, (2, 2)), "group")),
            ]
        )
    )
    batch_size = draw(st.integers(2, 5))
    # No last batch of one: nothing to normalize over.
    samples = tuple(
        n + 1 if n % batch_size == 1 else n
        for n in (draw(st.integers(2, 12)) for _ in range(tasks))
    )
    least = min(-(-n // batch_size) for n in samples)
    chosen = {
        "epochs": draw(st.integers(1, 2)),
        "batch_size": batch_size,
        "loss": loss,
        "evaluations_per_epoch": draw(st.integers(1, least)),
        "importance_samples": draw(st.sampled_from([None, 3, 7])),
        "normalize": draw(st.sampled_from(["none", "mean", "max"])),
        "terms": draw(st.sampled_from(["separate", "online"])),
        "decay": draw(st.sampled_from([1.0, 0.5])),
        "running_statistics": draw(st.sampled_from(["updated", "first_task"])),
    }
    lambdas = tuple(draw(st.sampled_from([0.0, 0.3, 20.0])) for _ in range(draw(st.integers(1, 3))))
    measures = ["fisher_exact", "fisher_sampled", "memory_aware_synapses", "weight_decay"]
    return DrawnRun(
        shape,
        layers,
        heads,
        tuple(widths),
        samples,
        lambdas,
        draw(st.sampled_from(measures)),
        chosen,
        draw(st.integers(0, 3)) == 3,
    )


def _with_rehearsal(of, module, loss, again, stage, first):
    """Mean of a batch's loss and those of as many samples of each earlier task."""
    chosen = of.settings
    for task, rehearsed in enumerate(again):
        places = range(first, first + chosen.batch_size)
        rows = torch.tensor([rehearsed[p % len(rehearsed)] for p in places])
        x, y = of.train[task].take(rows)
        loss = loss + _loss(module(x, *of.network.route(task, stage)), y, chosen.loss)
    return loss / (1 + len(again))


def _penalty(of, module, terms, shared, value):
    total = 0
    for omega, anchor in terms:
        named = dict(module.named_parameters())
        moved = of.layout.join({n: named[n] for n in shared}, "shared") - anchor
        total = total + value / 2 * (omega * moved.square()).sum()
    return total


def plain_run(of, drawn, member):
    """Weights (size,), buffers, losses (evaluations, tasks) and epochs of one member, trained by
    nothing but torch.
    """
    chosen, value = of.settings, drawn.lambdas[member]
    theta, buffers = (each.double() for each in base_model(of))
    of.network.double()
    module = plain_module(of, theta, buffers)
    stream = streams(len(drawn.lambdas))[member]
    terms, losses, epochs = [], [_losses(of, module, 0)], [0.0]
    shared = list(of.layout.split_shared(theta[: of.layout.shared]))
    for stage, data in enumerate(of.train):
        route = of.network.route(stage, stage)
        optimizer = torch.optim.Adam(
            module.parameters(), lr=chosen.learning_rate, betas=BETAS, eps=EPSILON
        )
        for epoch in range(chosen.epochs):
            order = stream.generator("order", stage, epoch).permutation(len(data))
            again = [
                stream.generator("rehearsal", stage, epoch, task).permutation(len(of.train[task]))
                for task in range(stage if drawn.joint else 0)
            ]
            batches = range(0, len(order), chosen.batch_size)
            due = _due(len(batches), chosen.evaluations_per_epoch)
            for number, first in enumerate(batches, start=1):
                rows = torch.from_numpy(order[first : first + chosen.batch_size].copy())
                _mode(module, frozen=stage > 0 and chosen.running_statistics == "first_task")
                x, y = data.take(rows)
                loss = _loss(module(x, *route), y, chosen.loss)
                loss = _with_rehearsal(of, module, loss, again, stage, first)
                loss = loss + _penalty(of, module, terms, shared, value)
                module.zero_grad(set_to_none=False)
                loss.backward()
                for parameter in module.parameters():
                    # The project's Adam goes over all weights, used or not.
                    if parameter.grad is None:
                        parameter.grad = torch.zeros_like(parameter)
                optimizer.step()
                if number in due:
                    losses.append(_losses(of, module, stage))
                    epochs.append(stage * chosen.epochs + epoch + number / len(batches))
        if stage + 1 < len(of.train) and not drawn.joint:
            omega = _omega(of, drawn, module, stage, stream)
            anchor = _flat(of, module)[0][: of.layout.shared]
            if chosen.terms == "online" and terms:
                omega = chosen.decay * terms.pop()[0] + omega
            terms.append((omega, anchor))
    return (*_flat(of, module), torch.stack(losses), epochs)


def _due(batches, evaluations):
    return {round(batches * (i + 1) / evaluations) for i in range(evaluations)}


def _mode(module, frozen):
    module.train()
    for layer in module.modules():
        if frozen and isinstance(layer, nn.BatchNorm2d):
            layer.eval()


def _loss(logits, y, loss):
    if loss == "softmax_cross_entropy":
        return functional.cross_entropy(logits, y)
    if loss == "binary_cross_entropy":
        bits = functional.one_hot(y, logits.shape[1]).to(logits)
        return functional.binary_cross_entropy_with_logits(logits, bits)
    return functional.mse_loss(logits, y)


def _losses(of, module, stage):
    module.eval()
    found = []
    for task, data in enumerate(of.selection):
        x, y = data.take(slice(None))
        with torch.no_grad():
            found.append(_loss(module(x, *of.network.route(task, stage)), y, of.settings.loss))
    return torch.stack(found)


def _flat(of, module):
    theta = of.layout.join(dict(module.named_parameters()), "parameters")
    return theta.detach(), of.layout.join(dict(module.named_buffers()), "buffers").detach()


def _omega(of, drawn, module, stage, stream):
    count, data = of.settings.importance_samples, of.train[stage]
    n = len(data)
    rows = range(n) if count is None or count >= n else [i * n // count for i in range(count)]
    theta, buffers = _flat(of, module)
    x, y = data.take(torch.tensor(list(rows)))
    done = FinishedTask(
        of.network,
        of.layout,
        theta.unsqueeze(0),
        buffers.double().unsqueeze(0),
        x,
        y,
        stage,
        of.network.route(stage, stage),
        of.settings.loss,
        [stream],
    )
    if drawn.measure == "weight_decay":
        return torch.ones(of.layout.shared, dtype=torch.float64)
    omega = importance_by_loop(done, drawn.measure)[0]
    if of.settings.normalize == "none" or not omega.any():
        return omega
    return omega / (omega.mean() if of.settings.normalize == "mean" else omega.max())
