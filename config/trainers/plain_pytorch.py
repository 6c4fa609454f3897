"""EWC in forty lines of PyTorch: a trainer of one's own, to start from (docs/your-trainer.md).

The study calls `start` and `train` for each replicate, `train` at each lambda, and `joint` for the
reference line; lambda is chosen by the losses that they return.
"""

import torch
from torch import nn
from torch.func import functional_call, grad, vmap

torch.use_deterministic_algorithms(True)


def network(context):
    """Weights drawn from the seed that all replicates of a trial share; a head for each task."""
    torch.manual_seed(context.base_seed)
    trunk = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
    heads = nn.ModuleList(nn.Linear(32, 5) for _ in context.tasks)
    return nn.ModuleDict({"trunk": trunk, "heads": heads}).to(context.device)


def tensors(context, task, split):
    """Samples of a task on the device."""
    return [torch.from_numpy(array).to(context.device) for array in context.data(task, split)]


def logits(net, x, task):
    """Outputs of a task's head."""
    return net["heads"][task](net["trunk"](x))


def train_task(context, net, task, penalty, tasks=None):
    """Train a task (jointly: on a batch of each of some); losses and accuracies of each epoch."""
    config, entropy = context.config, nn.functional.cross_entropy
    adam = torch.optim.Adam(net.parameters(), config["learning_rate"])
    data = {k: tensors(context, k, "train") for k in tasks or [task]}
    order = torch.Generator().manual_seed(context.seed + task)
    rows = []
    for epoch in range(config["epochs"]):
        for batch in torch.randperm(len(data[task][1]), generator=order).split(
            config["batch_size"]
        ):
            parts = {k: batch % len(y) for k, (_, y) in data.items()}
            losses = [
                entropy(logits(net, data[k][0][at], k), data[k][1][at]) for k, at in parts.items()
            ]
            adam.zero_grad()
            (sum(losses) / len(losses) + penalty(net)).backward()
            adam.step()
        rows.append(evaluate(context, net))
        context.progress((epoch + 1) / config["epochs"], f"task {task}")
    losses, accuracies = zip(*rows, strict=True)
    return list(losses), list(accuracies)


@torch.no_grad()
def evaluate(context, net):
    """Loss and accuracy of every task on the split on which lambda is chosen."""
    rows = []
    for task in range(len(context.tasks)):
        x, y = tensors(context, task, context.config["selection_split"])
        outputs = logits(net, x, task)
        rows.append(
            (
                nn.functional.cross_entropy(outputs, y).item(),
                (outputs.argmax(1) == y).float().mean().item(),
            )
        )
    return [loss for loss, _ in rows], [accuracy for _, accuracy in rows]


def fisher(context, net, task):
    """The exact diagonal Fisher information of the trunk: per-sample gradients, weighed by p."""
    x, _ = tensors(context, task, "train")
    weights = {name: weight.detach() for name, weight in net["trunk"].named_parameters()}

    def log_probability(weights, sample, label):
        features = functional_call(net["trunk"], weights, (sample[None],))
        return torch.log_softmax(net["heads"][task](features)[0], 0)[label]

    p = torch.softmax(logits(net, x, task), 1).detach()
    total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for label in range(p.shape[1]):
        slopes = vmap(grad(log_probability), (None, 0, None))(weights, x, label)
        for name, slope in slopes.items():
            total[name] += torch.einsum("n,n...->...", p[:, label], slope**2) / len(x)
    return total


def start(context):
    """What all lambdas share: the first task's weights and Fisher information, and its losses."""
    net = network(context)
    base = evaluate(context, net)
    losses, accuracies = train_task(context, net, 0, lambda net: 0.0)
    omega = {f"omega/{name}": value for name, value in fisher(context, net, 0).items()}
    curves = {"losses": [base[0], *losses], "accuracies": [base[1], *accuracies]}
    return {**net.state_dict(), **omega, **curves}


def train(context, lam, start):
    """Losses and accuracies (evaluations, tasks) from the second task on, at one lambda."""
    net, held = begin(context, start)
    omega = {n.removeprefix("omega/"): v for n, v in held.items() if n.startswith("omega/")}
    anchors = [(omega, {n: w.detach().clone() for n, w in net["trunk"].named_parameters()})]

    def penalty(net):
        weights = dict(net["trunk"].named_parameters())
        return (
            lam
            / 2
            * sum(
                (omega[name] * (weights[name] - anchor[name]) ** 2).sum()
                for omega, anchor in anchors
                for name in omega
            )
        )

    losses, accuracies = [], []
    for task in range(1, len(context.tasks)):
        more = train_task(context, net, task, penalty)
        losses, accuracies = losses + more[0], accuracies + more[1]
        if task < len(context.tasks) - 1:
            now = {n: w.detach().clone() for n, w in net["trunk"].named_parameters()}
            anchors.append((fisher(context, net, task), now))
    return losses, accuracies


def joint(context, start):
    """The reference line: each task with a batch of all tasks so far, without a penalty."""
    net, _ = begin(context, start)
    losses, accuracies = [], []
    for task in range(1, len(context.tasks)):
        more = train_task(context, net, task, lambda net: 0.0, range(task + 1))
        losses, accuracies = losses + more[0], accuracies + more[1]
    return losses, accuracies


def begin(context, start):
    """The network at the end of the first task, and all arrays that were kept, as tensors."""
    held = {name: torch.from_numpy(array).to(context.device) for name, array in start.items()}
    net = network(context)
    net.load_state_dict({name: held[name] for name in net.state_dict()})
    return net, held
