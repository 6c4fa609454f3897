"""Files of models of the user's own, and made-up data for them."""

from builders import made_up_samples, settings

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.prepared import Prepared, TaskInfo

SHAPE = (6,)
HEAD = "import torch\nfrom torch import nn\n"


def body(*lines):
    return HEAD + "def trunk(input_shape):\n" + "".join(f"    {line}\n" for line in lines)


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
