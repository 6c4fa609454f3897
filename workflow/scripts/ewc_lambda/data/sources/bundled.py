"""digits and iris: small data sets that ship inside scikit-learn, so they need no network."""

from __future__ import annotations

import numpy as np

from ewc_lambda.data.sources.base import Config, Dataset, DatasetInfo

# Neither data set comes with a test split. Every fifth sample of each class is the test split:
# the same for every seed, so that studies with different seeds are judged on the same samples.
_TEST_EVERY = 5


def is_test(labels: np.ndarray) -> np.ndarray:
    """Mask (N,) of the test samples: the fifth, tenth, fifteenth, ... of each class."""
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[_TEST_EVERY - 1 :: _TEST_EVERY]] = True
    return mask


def _split(name: str, x: np.ndarray, y: np.ndarray, info: DatasetInfo, scale: float) -> Dataset:
    test = is_test(y)
    y = y.astype(np.int64)
    assert info.classes is not None
    return Dataset(name, x[~test], y[~test], x[test], y[test], info.classes, scale, {})


def load_digits(config: Config) -> Dataset:
    """Handwritten digits, x (N, 1, 8, 8) uint8 with values 0 to 16; 1,797 samples in all.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI 1998,
    https://doi.org/10.24432/C50P49 (its test part, as scikit-learn ships it).
    """
    import sklearn.datasets

    x, y = sklearn.datasets.load_digits(return_X_y=True)
    return _split("digits", x.astype(np.uint8).reshape(-1, 1, 8, 8), y, DIGITS, 1 / 16)


def load_iris(config: Config) -> Dataset:
    """Iris flowers, x (N, 4) float32 in centimetres, columns as in ``IRIS.features``; N is 150.

    Source: R. A. Fisher, The use of multiple measurements in taxonomic problems, Annals of
    Eugenics 7 (1936); https://doi.org/10.24432/C56C76, as scikit-learn ships it.
    """
    import sklearn.datasets

    x, y = sklearn.datasets.load_iris(return_X_y=True)
    return _split("iris", x.astype(np.float32), y, IRIS, 1.0)


DIGITS = DatasetInfo(name="digits", task="classes", load=load_digits, classes=tuple("0123456789"))
IRIS = DatasetInfo(
    name="iris",
    task="features",
    load=load_iris,
    classes=("setosa", "versicolor", "virginica"),
    features=("sepal length", "sepal width", "petal length", "petal width"),
    images=False,
)
