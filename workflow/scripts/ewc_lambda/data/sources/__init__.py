"""The data sets of the project, by the name that the config key ``dataset`` gives."""

from __future__ import annotations

from ewc_lambda.data.sources.base import Config, Dataset, DatasetInfo, RemoteFile
from ewc_lambda.data.sources.bundled import DIGITS, IRIS
from ewc_lambda.data.sources.cifar10 import CIFAR10
from ewc_lambda.data.sources.functions import FUNCTION
from ewc_lambda.data.sources.idx import FASHION_MNIST, MNIST
from ewc_lambda.data.sources.image_folder import IMAGE_FOLDER
from ewc_lambda.data.sources.npz import NPZ
from ewc_lambda.data.sources.stl10 import STL10

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
    )
}


def check_files(config: Config) -> None:
    """StudyError, which says where they belong, if the files of a data set that cannot be
    downloaded are not there.
    """
    find = DATASETS[config["dataset"]].find
    if find is not None:
        find(config)


__all__ = ["DATASETS", "Dataset", "DatasetInfo", "RemoteFile", "check_files"]
