"""Broken configs: each is valid after all, or refused with one message that names the key."""

import math

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ewc_lambda.config.study_config import resolve, schema
from ewc_lambda.config.written import TEXT
from ewc_lambda.errors import StudyError

KEYS = list(schema()["properties"])
DEFAULTS = {key: entry["default"] for key, entry in schema()["properties"].items()}

numbers = st.one_of(
    st.integers(),
    st.integers(-2, 12),
    st.floats(),
    st.sampled_from([0, -0.0, 1e308, 1e-320, 10**400, math.nan, math.inf, -math.inf]),
)
texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["..", "../x", "a/b", "", "log", "linear", "round", "none", "digits\n", "nul\0"]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(texts, scalars), inner, max_size=3)
    ),
    max_leaves=8,
)


def allowed_of(key):
    """Values of the right type for a key, in its range and out of it."""
    entry = schema()["properties"][key]
    if "enum" in entry:
        return st.sampled_from(entry["enum"])
    if "enum" in entry.get("items", {}):
        return st.lists(st.sampled_from(entry["items"]["enum"]), max_size=3)
    if key == "tasks":
        return st.lists(st.lists(st.one_of(st.integers(-1, 11), texts), max_size=4), max_size=4)
    if entry["type"] == "array" or "array" in entry["type"]:
        return st.lists(numbers, max_size=3)
    return scalars


changes = st.sampled_from(KEYS).flatmap(
    lambda key: st.tuples(st.just(key), st.one_of(allowed_of(key), values))
)
unknown = st.tuples(st.one_of(texts, scalars), values)
configs = st.lists(st.one_of(changes, changes, changes, unknown), min_size=1, max_size=4).map(dict)


def meant(config):
    """A config with text where a number stood for it, and a list where one measure stood alone."""
    found = {
        key: str(value) if key in TEXT and value is not None else value
        for key, value in config.items()
    }
    alone = found.get("importance")
    return found | ({"importance": [alone]} if isinstance(alone, str) else {})


@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@example({"low_range": [1e308, 1e308], "high_range": [10**400, 10**400]})
@example({"dataset": "function", "loss": "mean_squared_error", "tasks": [{}]})
@example({"dataset": "digits", "tasks": [[0, 1], [[2]]]})
@example({"randomness": [[{"": []}]]})
@given(configs)
def test_a_broken_config_is_refused_by_the_name_of_its_key(config):
    try:
        resolved = resolve(config)
    except StudyError as error:
        message = str(error)
        key = message.split(":")[0].split("[")[0]
        assert key in KEYS or any(message.startswith(f"{given}:") for given in config), message
        assert "Traceback" not in message
    else:
        assert set(resolved) == set(KEYS)
        assert resolved == {**DEFAULTS, **meant(config)}
