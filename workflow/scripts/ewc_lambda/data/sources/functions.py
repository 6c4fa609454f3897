"""Regression: a task is one function of a named family, sampled over an interval.

With more than one input the family acts on u = (x_1 + ... + x_d) / sqrt(d), whose spread is that
of a single input whatever d is. With one input u = x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ewc_lambda.data.sources.base import Config, DatasetInfo, listed
from ewc_lambda.errors import StudyError

Parameters = Mapping[str, Any]


def _sine(u: np.ndarray, p: Parameters) -> np.ndarray:
    return np.asarray(p["amplitude"] * np.sin(2 * np.pi * p["frequency"] * u + p["phase"]))


def _cosine(u: np.ndarray, p: Parameters) -> np.ndarray:
    return np.asarray(p["amplitude"] * np.cos(2 * np.pi * p["frequency"] * u + p["phase"]))


def _gaussian(u: np.ndarray, p: Parameters) -> np.ndarray:
    return np.asarray(p["amplitude"] * np.exp(-((u - p["center"]) ** 2) / (2 * p["width"] ** 2)))


def _polynomial(u: np.ndarray, p: Parameters) -> np.ndarray:
    coefficients = np.asarray(p["coefficients"], dtype=np.float64)
    return np.asarray(np.polynomial.polynomial.polyval(u, coefficients))


_WAVE: Parameters = {"amplitude": 1.0, "frequency": 1.0, "phase": 0.0}
# The parameters of each family with their defaults; frequency in periods per unit of x, phase in
# radians, center and width in units of x, coefficients from the constant upwards.
FAMILIES: dict[str, tuple[Callable[[np.ndarray, Parameters], np.ndarray], Parameters]] = {
    "sine": (_sine, _WAVE),
    "cosine": (_cosine, _WAVE),
    "gaussian": (_gaussian, {"amplitude": 1.0, "center": 0.0, "width": 0.5}),
    "polynomial": (_polynomial, {"coefficients": (0.0, 1.0)}),
}

FUNCTION = DatasetInfo(name="function", task="function", load=None, images=False)


def check_function(entry: object, key: str) -> None:
    """StudyError, which names ``key``, unless ``entry`` is a family with valid parameters."""
    if not isinstance(entry, Mapping) or "family" not in entry:
        raise StudyError(
            f"{key}: {entry!r} is not a function, write one as {{family: sine, amplitude: 1}}; "
            f"families: {listed(FAMILIES)}"
        )
    if entry["family"] not in FAMILIES:
        raise StudyError(
            f"{key}: unknown family {entry['family']!r}, allowed are {listed(FAMILIES)}"
        )
    defaults = FAMILIES[entry["family"]][1]
    for name, value in entry.items():
        if name == "family":
            continue
        if name not in defaults:
            raise StudyError(
                f"{key}: {entry['family']} has no parameter {name!r}, it has {listed(defaults)}"
            )
        if name == "coefficients":
            if not isinstance(value, list | tuple) or not value or not all(map(_number, value)):
                raise StudyError(f"{key}: coefficients must be a list of at least one number")
        elif not _number(value):
            raise StudyError(f"{key}: {name} must be a finite number, not {value!r}")
        elif name == "width" and value <= 0:
            raise StudyError(f"{key}: width must be above 0, not {value!r}")


def evaluate(entry: Parameters, x: np.ndarray) -> np.ndarray:
    """Values (N,) float64 of the function ``entry`` at ``x`` (N, D)."""
    family, defaults = FAMILIES[entry["family"]]
    u = x.astype(np.float64).sum(axis=1) / np.sqrt(x.shape[1])
    return family(u, {**defaults, **entry})


def sample(
    entry: Parameters, config: Config, generator: np.random.Generator
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Draw "train" and "test" pairs x (N, D) float32, y (N, 1) float32 of one function.

    x is uniform over ``function_interval`` in each of ``function_inputs`` dimensions; normal
    noise of standard deviation ``function_noise`` is added to every target, those of the test
    split included, as all splits stand for the same measurements.
    """
    low, high = config["function_interval"]
    count = config["function_samples"]
    shape = (2 * count, config["function_inputs"])
    x = generator.uniform(low, high, size=shape).astype(np.float32)
    # The noise is drawn in any case, after x: the same x at every noise level.
    noise = generator.standard_normal(2 * count)
    y = evaluate(entry, x) + config["function_noise"] * noise
    y = y.astype(np.float32)[:, None]
    return {"train": (x[:count], y[:count]), "test": (x[count:], y[count:])}


def function_names(entries: list[Parameters]) -> list[str]:
    """A name per function: the family alone where it is the only one of its kind."""
    families = [entry["family"] for entry in entries]
    return [
        family if families.count(family) == 1 else _described(entry)
        for family, entry in zip(families, entries, strict=True)
    ]


def _described(entry: Parameters) -> str:
    written = sorted((name, value) for name, value in entry.items() if name != "family")
    return " ".join([entry["family"], *(f"{name}={value}" for name, value in written)])


def _number(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
    )
