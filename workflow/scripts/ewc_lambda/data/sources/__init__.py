"""The data sets of the project, by the name that the config key ``dataset`` gives."""

from __future__ import annotations

from collections.abc import Mapping

from ewc_lambda.data.sources.base import Config, Dataset, DatasetInfo, RemoteFile
from ewc_lambda.data.sources.bundled import DIGITS, IRIS
from ewc_lambda.data.sources.cifar10 import CIFAR10
from ewc_lambda.data.sources.functions import FUNCTION
from ewc_lambda.data.sources.image_folder import IMAGE_FOLDER
from ewc_lambda.data.sources.mnist import FASHION_MNIST, MNIST
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
        CIFAR10,
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
    find = DATASETS[config["dataset"]].find
    if find is not None:
        find(config)


def changed_files(config: Config, sources: Mapping[str, str]) -> list[str]:
    """Which of a user's own files, of those that are there, are not the ones with these digests."""
    digests = DATASETS[config["dataset"]].digests
    if digests is None:
        return []
    try:
        found = digests(config)
    except StudyError:
        # What is gone cannot be compared; data that were prepared from it are as good.
        return []
    return sorted(name for name, digest in found.items() if sources.get(name) != digest)


__all__ = ["DATASETS", "Dataset", "DatasetInfo", "RemoteFile", "changed_files", "check_files"]
