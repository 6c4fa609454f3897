"""The config of a study: defaults, checks, and the parts that results depend on."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from ewc_lambda.config.own_trainer import check_trainer, trained_by_user
from ewc_lambda.config.search_checks import check_search
from ewc_lambda.config.setups import check_setup
from ewc_lambda.config.written import NOT_YAML, NUMBER, TEXT, check_keys
from ewc_lambda.data.sources import DATASETS
from ewc_lambda.data.sources.mixed_tasks import task_sources
from ewc_lambda.data.sources.task_list import validate_tasks
from ewc_lambda.errors import StudyError

# JSON Schema takes 9.0 for an integer; Python's ranges do not.
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)

_EXPONENT = re.compile(r"[-+]?[0-9]+([.][0-9]*)?[eE][-+]?[0-9]+")
_WORD = re.compile(r"[-+.A-Za-z0-9]+")

# Lists and mappings inside each other: tasks, a function, its coefficients.
_DEEPEST = 3

# Snakemake reads every config over this one.
DEFAULT = Path("config/config.yaml")
# A link to workflow/schemas, where the workflow has it; an installed library holds the file itself.
SCHEMA = Path(__file__).with_name("config.schema.yaml")


@functools.cache
def schema() -> dict[str, Any]:
    """The JSON schema of the config."""
    return yaml.safe_load(SCHEMA.read_text())


def elsewhere() -> str:
    """What is said where a command does not work in the project's folder: config, results and a
    relative path in a config are looked for from there. Empty where it does.
    """
    if DEFAULT.is_file():
        return ""
    return (
        f"{DEFAULT}: not in {Path.cwd()}. Config and results are looked for from the folder that a "
        f"command works in. Run it in the project's folder; snakemake takes --directory FOLDER, "
        f"too, and ewc-lambda the path of a study file (.h5)."
    )


def load(path: str | Path) -> dict[str, Any]:
    """The resolved config of a study file, as Snakemake reads it: over the default study's.

    Raises:
        StudyError: names the file or the key and says what is allowed.

    """
    given: dict[str, Any] = {}
    for layer in dict.fromkeys([DEFAULT, Path(path)]):
        try:
            check_keys(layer)
            content = yaml.safe_load(layer.read_text(encoding="utf-8"))
        except (OSError, *NOT_YAML) as error:
            raise StudyError(f"{layer}: cannot be read as a config ({error})") from None
        if content is not None and not isinstance(content, dict):
            raise StudyError(f"{layer}: holds no keys. Allowed: a mapping, as in {DEFAULT}.")
        given |= content or {}
    return resolve(given)


def resolve(given: Mapping[str, Any]) -> dict[str, Any]:
    """The whole config: what was given over the schema's defaults, checked.

    Raises:
        StudyError: names the key and says what is allowed.

    """
    properties = schema()["properties"]
    defaults = {key: entry["default"] for key, entry in properties.items()}
    for key in given:
        if key not in properties:
            raise StudyError(f"{key}: no such key. Known keys are {', '.join(properties)}.")
    config = {**defaults, **{key: _plain(key, value) for key, value in given.items()}}
    validator = _Validator(schema())
    for error in sorted(validator.iter_errors(config), key=lambda error: list(error.path)):
        raise StudyError(_message(error))
    _check_finite(config)
    check_search(config)
    _check_loss(config)
    _check_model(config)
    _check_augmentation(config)
    _check_device(config)
    check_setup(config)
    check_trainer(config)
    validate_tasks(config)
    return config


def _plain(key: str, value: Any, depth: int = 0) -> Any:
    """Numbers, booleans and null that came as text, as all do that stand inside a list of
    ``--config`` on the command line, and as YAML reads 1e-3.
    """
    if isinstance(value, list | Mapping) and depth == _DEEPEST:
        # An anchor of YAML can stand inside itself, and ten of tens of tens fill the memory.
        name = key.partition(".")[0]
        raise StudyError(f"{name}: lists inside lists. Allowed: at most {_DEEPEST} in each other.")
    if isinstance(value, list):
        return [_plain(key, item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(f"{key}.{name}", item, depth + 1) for name, item in value.items()}
    if key in TEXT and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if key == "importance" and isinstance(value, str) and depth == 0:
        return [value]
    if not isinstance(value, str) or key in TEXT:
        return value
    if key in ("tasks.dataset", "tasks.npz_file", "tasks.image_folder"):
        return value
    if key in ("tasks", "tasks.classes"):
        # A class may be called 001, 1e3 or no: only what a number is written like is one.
        return int(value) if NUMBER.fullmatch(value) else value
    try:
        return float(value) if _EXPONENT.fullmatch(value) else _scalar(value)
    except ValueError:
        return value


def _scalar(text: str) -> Any:
    found = yaml.safe_load(text) if _WORD.fullmatch(text) else text
    return found if found is None or isinstance(found, bool | int | float) else text


def steps_per_job(config: Mapping[str, Any]) -> int:
    """How many lambda steps of a round a job trains, at most."""
    chosen = config["steps_per_job"]
    if chosen == "auto":
        # One small network leaves a GPU idle.
        chosen = "round" if config["device"] == "cuda" else 1
    # In a race, what a step gets depends on all others of its round.
    whole = chosen == "round" or config["racing"]
    return int(config["steps"] if whole else chosen)


def part(config: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The keys of a config that belong to some parts, as the schema assigns them; without those
    that came later and have their default, for they change nothing.
    """
    properties = schema()["properties"]
    # That of a job is such a part itself.
    whole = {**later_defaults(), **config}
    found = {key: whole[key] for key in properties if properties[key]["part"] in names}
    return without_later(found)


def without_later(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without the keys that came later and have their default."""
    later = later_defaults()
    return {k: value for k, value in config.items() if k not in later or value != later[k]}


@functools.cache
def later_defaults() -> dict[str, Any]:
    """Defaults of the keys that a config leaves out where it has them."""
    properties = schema()["properties"]
    return {key: entry["default"] for key, entry in properties.items() if entry.get("later")}


def _message(error: jsonschema.ValidationError) -> str:
    key = "".join(f"[{p}]" if isinstance(p, int) else str(p) for p in error.path)
    entry = schema()["properties"][error.path[0]]
    return f"{key}: {error.message}. Allowed: {allowed(entry)}.{_way_to_write(error)}"


def _way_to_write(error: jsonschema.ValidationError) -> str:
    """How a value is written that is right but for its form, where it can be told."""
    value, wanted = error.instance, str(error.validator_value)
    if error.validator != "type" or value is None or isinstance(value, bool | list | Mapping):
        return ""
    if "array" in wanted and not str(value).startswith("["):
        return f" Write [{value}]."
    if isinstance(value, float) and "integer" in wanted and value.is_integer():
        return f" Write {value:.0f}, without point or exponent."
    if "string" in wanted:
        return (
            f" Write it in quotes in a file, and --config '{error.path[0]}=!!str TEXT' on the "
            "command line."
        )
    return ""


def allowed(entry: Mapping[str, Any]) -> str:
    """What a property's schema admits, in words: its own, or made from its types and ranges."""
    if "allowed" in entry:
        return str(entry["allowed"])
    types = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
    return " or ".join(_kind(entry, kind) for kind in types).replace(" or null", ", or null")


def _kind(entry: Mapping[str, Any], kind: str) -> str:
    if "enum" in entry:
        return "one of " + ", ".join(map(str, entry["enum"]))
    if kind in ("integer", "number"):
        return kind + _range(entry, "minimum", "maximum")
    if kind == "array":
        return f"list of {_range(entry, 'minItems', 'maxItems')}, each {allowed(entry['items'])}"
    return {"string": "text", "boolean": "true or false"}.get(kind, kind)


def _range(entry: Mapping[str, Any], low: str, high: str) -> str:
    bounds = []
    if low in entry:
        bounds.append(f"at least {entry[low]}")
    if low == "minimum" and "exclusiveMinimum" in entry:
        bounds.append(f"above {entry['exclusiveMinimum']}")
    if high in entry:
        bounds.append(f"at most {entry[high]}")
    if high == "maximum" and "exclusiveMaximum" in entry:
        bounds.append(f"below {entry['exclusiveMaximum']}")
    return " " + ", ".join(bounds) if bounds else ""


def _check_finite(config: Mapping[str, Any]) -> None:
    # The schema's ranges let nan pass: every comparison with it is false.
    for key, value in config.items():
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, float) and not math.isfinite(number):
                raise StudyError(f"{key}: {number} is no finite number.")


def _check_loss(config: Mapping[str, Any]) -> None:
    if trained_by_user(config):
        return
    for source in task_sources(config, DATASETS):
        name = source.info.name
        regression = name == "function"
        if regression != (config["loss"] == "mean_squared_error") and name != "npz":
            wanted = "mean_squared_error" if regression else "one of the two cross-entropies"
            raise StudyError(
                f"loss: {config['loss']} does not fit the data set {name}. Allowed: {wanted}."
            )


def _check_augmentation(config: Mapping[str, Any]) -> None:
    keys = [key for key in ("augment_zoom", "augment_rotation", "augment_flip") if config[key]]
    if not keys:
        return
    for source in task_sources(config, DATASETS):
        if source.info.images is False:
            raise StudyError(f"{keys[0]}: needs pictures, which {source.info.name} has not.")
    if config["transform"] == "permuted":
        raise StudyError(
            f"{keys[0]}: pixels that were permuted make no picture to change. Allowed with "
            "transform permuted: none of augment_zoom, augment_rotation, augment_flip."
        )


def _check_model(config: Mapping[str, Any]) -> None:
    model = config["model"]
    if model == "custom" and config["model_file"] is None:
        raise StudyError("model_file: must be set for model custom. Allowed: path of a .py file.")
    if model in ("mlp", "custom") and config["normalization"] in ("batch", "group"):
        raise StudyError(
            f"normalization: {config['normalization']} is for the convolutional models. Allowed "
            f"with model {model}: null."
        )


def _check_device(config: Mapping[str, Any]) -> None:
    if config["precision"] == "tf32" and config["device"] != "cuda":
        raise StudyError(
            f"precision: tf32 is one of GPUs, and device is {config['device']}. Allowed: device "
            f"cuda, or precision float32 or bfloat16."
        )
