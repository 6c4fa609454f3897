"""The data sets of the project, by the name that the config key ``dataset`` gives."""

from __future__ import annotations

from collections.abc import Mapping

from ewc_lambda.data.sources.base import Config, Dataset, DatasetInfo, RemoteFile
from ewc_lambda.data.sources.bundled import DIGITS, IRIS
from ewc_lambda.data.sources.cifar10 import CIFAR10
from ewc_lambda.data.sources.cifar100 import CIFAR100, CIFAR100_COARSE
from ewc_lambda.data.sources.emnist import EMNIST
from ewc_lambda.data.sources.functions import FUNCTION
from ewc_lambda.data.sources.image_folder import IMAGE_FOLDER
from ewc_lambda.data.sources.mixed_tasks import task_sources
from ewc_lambda.data.sources.mnist import FASHION_MNIST, KMNIST, MNIST
from ewc_lambda.data.sources.npz import NPZ
from ewc_lambda.data.sources.own import OWN
from ewc_lambda.data.sources.stl10 import STL10
from ewc_lambda.errors import StudyError

DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DIGITS,
        MNIST,
        FASHION_MNIST,
        KMNIST,
        *EMNIST,
        CIFAR10,
        CIFAR100,
        CIFAR100_COARSE,
        STL10,
        IRIS,
        FUNCTION,
        IMAGE_FOLDER,
        NPZ,
        OWN,
    )
}


def check_files(config: Config) -> None:
    """StudyError, which says where they belong, if the files of a data set that cannot be
    downloaded are not there.
    """
    for source in task_sources(config, DATASETS):
        if source.info.find is not None:
            source.info.find(source.config)


def changed_files(config: Config, sources: Mapping[str, str]) -> list[str]:
    """Which of a user's own files, of those that are there, are not the ones with these digests."""
    changed: set[str] = set()
    for source in task_sources(config, DATASETS):
        if source.info.digests is None:
            continue
        try:
            found = source.info.digests(source.config)
        except StudyError:
            # What is gone cannot be compared; data that were prepared from it are as good.
            continue
        named = {f"{source.label}: {n}" if source.label else n: d for n, d in found.items()}
        changed |= {name for name, digest in named.items() if sources.get(name) != digest}
    return sorted(changed)


__all__ = ["DATASETS", "Dataset", "DatasetInfo", "RemoteFile", "changed_files", "check_files"]
