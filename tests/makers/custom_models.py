"""Files of a user's own models, and studies of them on made-up data."""

from builders import made_up_samples, settings

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.prepared import Prepared, TaskInfo

SHAPE = (6,)

HEAD = "import torch\nfrom torch import nn\n"
PLAIN = HEAD + "def trunk(input_shape):\n    return nn.Linear(input_shape[0], 4)\n"
# One layer used twice: layer by layer its two gradients would be squared apart.
TWICE = (
    HEAD
    + """
class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(6, 6)
        self.register_buffer("offset", torch.tensor([0.25]))

    def forward(self, x):
        return self.dense(torch.tanh(self.dense(x))) + self.offset


def trunk(input_shape):
    return Twice()
"""
)
# A parameter that is no layer's, of no dimension.
SCALED = (
    HEAD
    + """
class Scaled(nn.Linear):
    def __init__(self):
        super().__init__(6, 4)
        self.scale = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        return self.scale * super().forward(x)


def trunk(input_shape):
    return Scaled()
"""
)
# What a sample goes through depends on its values, which vmap cannot follow.
BRANCHES = (
    HEAD
    + """
class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(6, 4)

    def forward(self, x):
        rows = [self.dense(row) if row.sum() > 0 else 2 * self.dense(row) for row in x]
        return torch.stack(rows)


def trunk(input_shape):
    return Branches()
"""
)


# vmap of grad mixes up the axes of its one slope: an error, or as many samples as outputs.
PRELU = (
    HEAD
    + """
def trunk(input_shape):
    return nn.Sequential(nn.Linear(6, 5), nn.PReLU(), nn.Linear(5, 4), nn.PReLU(4))
"""
)


def body(*lines):
    return HEAD + "def trunk(input_shape):\n" + "".join(f"    {line}\n" for line in lines)


def custom(folder, text):
    """The part of a config that names a model file with this text, which is written."""
    path = folder / "model.py"
    path.write_text(text)
    return {"model": "custom", "model_file": str(path), "heads": "per_task"}


def study(config, **changes):
    chosen = {"members": "auto", "selection_split": "validation", **config}
    return {**resolve({}), **vars(settings(**changes)), **chosen}


def prepared(tasks=2):
    """Made-up tasks of three classes as a data file holds them."""
    infos = tuple(TaskInfo(f"task {k}", 3) for k in range(tasks))
    splits = []
    for k in range(tasks):
        pairs = {}
        for number, (split, count) in enumerate((("train", 20), ("validation", 12), ("test", 5))):
            samples = made_up_samples(k, number, count, SHAPE, 3)
            pairs[split] = (samples.x.numpy(), samples.y.numpy())
        splits.append(pairs)
    return Prepared(infos, "classification", SHAPE, 1.0, splits, "0" * 64)
