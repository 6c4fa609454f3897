"""digits and iris, as scikit-learn ships them."""

import numpy as np
import pytest

from ewc_lambda.data.sources import DATASETS
from ewc_lambda.data.sources.bundled import is_test


def test_every_fifth_sample_of_each_class_is_for_test():
    labels = np.array([0, 1] * 7)
    assert np.flatnonzero(is_test(labels)).tolist() == [8, 9]


def test_digits():
    data = DATASETS["digits"].load({})
    assert data.x_train.shape[1:] == (1, 8, 8)
    assert len(data.x_train) + len(data.x_test) == 1797
    assert data.x_train.dtype == np.uint8
    assert data.x_train.max() * data.scale == 1
    assert np.bincount(data.y_test).tolist() == [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    assert data.sources == {}


def test_iris_columns():
    data = DATASETS["iris"].load({})
    assert data.x_train.shape == (120, 4)
    assert data.x_test.shape == (30, 4)
    assert data.x_train.dtype == np.float32
    assert data.classes == ("setosa", "versicolor", "virginica")
    # The first flower of Fisher's table: sepal 5.1 x 3.5 cm, petal 1.4 x 0.2 cm.
    assert data.x_train[0] == pytest.approx([5.1, 3.5, 1.4, 0.2])
    assert DATASETS["iris"].features[2] == "petal length"
