"""Functions for regression, against values worked out by hand."""

import numpy as np
import pytest

from ewc_lambda.config.study_config import resolve
from ewc_lambda.data.sources.functions import check_function, evaluate, function_names, sample
from ewc_lambda.errors import StudyError


@pytest.mark.parametrize(
    ("entry", "at", "value"),
    [
        ({"family": "sine"}, 0.25, 1.0),
        ({"family": "sine", "amplitude": 3, "frequency": 2}, 0.125, 3.0),
        ({"family": "sine", "phase": np.pi / 2}, 0.0, 1.0),
        ({"family": "cosine", "amplitude": -2}, 0.5, 2.0),
        ({"family": "gaussian", "center": 0.5, "width": 0.25}, 0.75, np.exp(-0.5)),
        ({"family": "polynomial", "coefficients": [1, 0, 2]}, 3.0, 19.0),
    ],
)
def test_values(entry, at, value):
    assert evaluate(entry, np.array([[at]])) == pytest.approx([value])


def test_several_inputs_are_projected_on_their_diagonal():
    x = np.array([[1.0, 2.0, 3.0, 2.0]])
    identity = {"family": "polynomial", "coefficients": [0, 1]}
    assert evaluate(identity, x) == pytest.approx([8 / 2])


def test_sample_is_the_function_on_the_interval():
    changes = {"function_interval": [2, 5], "function_samples": 300, "function_inputs": 2}
    entry = {"family": "gaussian", "center": 4}
    pairs = sample(entry, resolve(changes), np.random.default_rng(1))
    for x, y in pairs.values():
        assert x.shape == (300, 2)
        assert y.shape == (300, 1)
        assert x.dtype == y.dtype == np.float32
        assert x.min() >= 2
        assert x.max() <= 5
        assert y[:, 0] == pytest.approx(evaluate(entry, x), abs=1e-6)
    assert not np.array_equal(pairs["train"][0], pairs["test"][0])


def test_noise_has_its_deviation_and_leaves_x_alone():
    entry = {"family": "sine"}
    config = resolve({"function_samples": 4000})
    plain = sample(entry, config, np.random.default_rng(2))
    noisy = sample(entry, {**config, "function_noise": 0.3}, np.random.default_rng(2))
    assert plain["train"][0].shape == (4000, 1)
    for split in ("train", "test"):
        assert np.array_equal(plain[split][0], noisy[split][0])
        # The standard error of a standard deviation from n values is s / sqrt(2 n), here 0.0034.
        assert (noisy[split][1] - plain[split][1]).std() == pytest.approx(0.3, abs=5 * 0.0034)


def test_names_are_short_where_they_can_be():
    entries = [
        {"family": "sine", "phase": 1, "amplitude": 2},
        {"family": "cosine", "amplitude": 2},
        {"family": "sine"},
    ]
    assert function_names(entries) == ["sine amplitude=2 phase=1", "cosine", "sine"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ([0, 1], "not a function"),
        ({"amplitude": 1}, "not a function"),
        ({"family": "tangent"}, "unknown family 'tangent'.*sine, cosine, gaussian, polynomial"),
        ({"family": "sine", "width": 1}, "no parameter 'width'.*amplitude, frequency, phase"),
        ({"family": "sine", "phase": "half"}, "phase must be a finite number"),
        ({"family": "sine", "phase": float("nan")}, "phase must be a finite number"),
        ({"family": "sine", "phase": True}, "phase must be a finite number"),
        ({"family": "gaussian", "width": 0}, "width must be above 0"),
        ({"family": "polynomial", "coefficients": []}, "coefficients must be a list"),
        ({"family": "polynomial", "coefficients": [1, "x"]}, "coefficients must be a list"),
    ],
)
def test_invalid_functions(entry, message):
    with pytest.raises(StudyError, match=rf"tasks\[1\]: .*{message}"):
        check_function(entry, "tasks[1]")
