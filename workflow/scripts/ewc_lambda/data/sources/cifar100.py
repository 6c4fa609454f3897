"""CIFAR-100: colour pictures of 32 x 32, from the binary version of the published archive.

The format (Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version"): records of
3,074 bytes. The first byte is the coarse label, 0 to 19, the second the fine one, 0 to 99; then
1,024 red, 1,024 green and 1,024 blue values, each colour in row-major order. train.bin has 50,000
records, test.bin 10,000.
"""

from __future__ import annotations

import numpy as np

from ewc_lambda.data.sources.archive import read_members
from ewc_lambda.data.sources.base import Config, Dataset, DatasetInfo, RemoteFile, check_labels
from ewc_lambda.errors import StudyError

_SHAPE = (3, 32, 32)
_RECORD = 2 + 3 * 32 * 32
RECORDS = {"train.bin": 50_000, "test.bin": 10_000}
FOLDER = "cifar-100-binary"
_NAMES = {
    "coarse": (
        *("aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables"),
        *("household_electrical_devices", "household_furniture", "insects", "large_carnivores"),
        *("large_man-made_outdoor_things", "large_natural_outdoor_scenes"),
        *("large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates"),
        *("people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2"),
    ),
    "fine": (
        *("apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle"),
        *("bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle"),
        *("caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch"),
        *("crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest"),
        *("fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower"),
        *("leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain"),
        *("mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear"),
        *("pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine", "possum"),
        *("rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew"),
        *("skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar"),
        *("sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger"),
        *("tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree"),
        *("wolf", "woman", "worm"),
    ),
}
ARCHIVE = RemoteFile(
    "cifar-100-binary.tar.gz",
    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
)


def decode_records(data: bytes, records: int, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 3, 32, 32) uint8 and labels (N, 2), coarse and fine, of one file with N =
    ``records``; StudyError, which names ``source``, for another size.
    """
    if len(data) != records * _RECORD:
        raise StudyError(
            f"{source}: has {len(data)} bytes, but {records} records of {_RECORD} bytes are "
            f"{records * _RECORD}; the file is cut short or not of CIFAR-100"
        )
    table = np.frombuffer(data, dtype=np.uint8).reshape(records, _RECORD)
    return table[:, 2:].reshape(records, *_SHAPE), table[:, :2]


def load_labels(config: Config, labels: str) -> Dataset:
    """Read CIFAR-100: 50,000 pictures for training, 10,000 for test, with its ``fine`` or
    ``coarse`` labels.

    ``cifar-100-binary.tar.gz`` is taken from the data folder or downloaded; the folder
    ``cifar-100-binary`` in the data folder serves as well.
    """
    name = "cifar100" if labels == "fine" else "cifar100_coarse"
    contents, sources = read_members(config, "cifar100", ARCHIVE, FOLDER, tuple(RECORDS))
    column, names = ("coarse", "fine").index(labels), _NAMES[labels]
    splits = {}
    for file, records in RECORDS.items():
        where = f"{name}: {FOLDER}/{file}"
        x, y = decode_records(contents.pop(file), records, where)
        splits[file] = (x, check_labels(y[:, column], len(names), where))
    return Dataset(name, *splits["train.bin"], *splits["test.bin"], names, 1 / 255, sources)


def load_fine(config: Config) -> Dataset:
    """See ``load_labels``."""
    return load_labels(config, "fine")


def load_coarse(config: Config) -> Dataset:
    """See ``load_labels``."""
    return load_labels(config, "coarse")


CIFAR100 = DatasetInfo(
    name="cifar100", task="classes", load=load_fine, classes=_NAMES["fine"], files=(ARCHIVE,)
)
CIFAR100_COARSE = DatasetInfo(
    name="cifar100_coarse",
    task="classes",
    load=load_coarse,
    classes=_NAMES["coarse"],
    files=(ARCHIVE,),
)
