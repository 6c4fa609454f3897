"""Avalanche's EWC as a trainer (docs/your-trainer.md): its strategy trains, we search lambda.

Runs in a Python of its own, `trainer_python`, in which avalanche-lib 0.6.0 is installed.
"""

import pathlib
import re
from importlib.util import find_spec

import torch
from torch import nn

torch.use_deterministic_algorithms(True)


def declare_operators():
    """Names of torchvision's operators, without which a torchvision that was built for CUDA cannot
    be imported beside a CPU build of torch.
    """
    folder = pathlib.Path(find_spec("torchvision").origin).parent
    text = (folder / "_meta_registrations.py").read_text()
    found = re.findall(r'register_meta\("(\w+)"\)|"torchvision::(\w+)"', text)
    library = torch.library.Library("torchvision", "DEF")
    for name in {one or other for one, other in found} | {"nms"}:
        library.define(f"{name}(Tensor x) -> Tensor")
    return library


LIBRARY = None if torch.version.cuda else declare_operators()

from avalanche.benchmarks import tensors_benchmark  # noqa: E402
from avalanche.core import SupervisedPlugin  # noqa: E402
from avalanche.models import MultiTaskModule  # noqa: E402
from avalanche.training.plugins import EvaluationPlugin  # noqa: E402
from avalanche.training.supervised import EWC  # noqa: E402
from avalanche.training.utils import ParamData  # noqa: E402


class Network(MultiTaskModule):
    """Two dense layers that all tasks share, and a head for each task."""

    def __init__(self, tasks):
        super().__init__()
        widths = nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()
        self.trunk = nn.Sequential(nn.Flatten(), *widths)
        self.heads = nn.ModuleList(nn.Linear(32, 5) for _ in range(tasks))

    def forward_single_task(self, x, task_label):
        """Outputs of a task's head."""
        return self.heads[task_label](self.trunk(x))


class Watch(SupervisedPlugin):
    """Loss and accuracy of every task after each epoch, on the split on which lambda is chosen."""

    def __init__(self, context, network):
        super().__init__()
        split, tasks = context.config["selection_split"], range(len(context.tasks))
        self.data = [[torch.from_numpy(a) for a in context.data(k, split)] for k in tasks]
        self.network, self.losses, self.accuracies = network, [], []
        self.after_training_epoch(None)

    @torch.no_grad()
    def after_training_epoch(self, strategy, **_):
        """Evaluate all tasks."""
        losses, accuracies = [], []
        for task, (x, y) in enumerate(self.data):
            outputs = self.network.forward_single_task(x, task)
            losses.append(nn.functional.cross_entropy(outputs, y).item())
            accuracies.append((outputs.argmax(1) == y).float().mean().item())
        self.losses.append(losses)
        self.accuracies.append(accuracies)


def build(context, lam):
    """The strategy, its plugin of EWC, what watches it, and the experiences."""
    torch.manual_seed(context.base_seed)
    network, config = Network(len(context.tasks)), context.config
    watch = Watch(context, network)
    strategy = EWC(
        model=network,
        optimizer=torch.optim.Adam(network.parameters(), config["learning_rate"]),
        criterion=nn.functional.cross_entropy,
        ewc_lambda=lam,
        train_mb_size=config["batch_size"],
        train_epochs=config["epochs"],
        plugins=[watch],
        evaluator=EvaluationPlugin(),
    )
    tasks = range(len(context.tasks))
    tensors = [tuple(map(torch.from_numpy, context.data(k, "train"))) for k in tasks]
    stream = tensors_benchmark(
        train_tensors=tensors, test_tensors=tensors, task_labels=list(tasks)
    ).train_stream
    ewc = next(plugin for plugin in strategy.plugins if hasattr(plugin, "compute_importances"))
    return strategy, ewc, watch, stream


def start(context):
    """What all lambdas share: weights and importances after the first task, and its losses."""
    strategy, ewc, watch, stream = build(context, 0.0)
    torch.manual_seed(context.seed)
    strategy.train(stream[0])
    weights = {f"weights/{name}": value for name, value in strategy.model.state_dict().items()}
    omega = {f"omega/{name}": each.data for name, each in ewc.importances[0].items()}
    return {**weights, **omega, "losses": watch.losses, "accuracies": watch.accuracies}


def train(context, lam, start):
    """Losses and accuracies (evaluations, tasks) from the second task on, at one lambda."""
    strategy, ewc, watch, stream = build(context, lam)
    held = {name: torch.from_numpy(array) for name, array in start.items()}
    network = strategy.model
    network.load_state_dict({name: held[f"weights/{name}"] for name in network.state_dict()})
    for name, weight in network.named_parameters():
        kept = weight.detach().clone()
        ewc.saved_params[0][name] = ParamData(name, init_tensor=kept)
        ewc.importances[0][name] = ParamData(name, init_tensor=held[f"omega/{name}"])
    strategy.clock.train_exp_counter = 1
    torch.manual_seed(context.seed + 1)
    strategy.train(list(stream[1:]))
    # The first row is that of a network that was not begun.
    return watch.losses[1:], watch.accuracies[1:]
