"""The config: defaults, every kind of bad input, and the schema's own completeness."""

import math
from pathlib import Path

import jsonschema
import pytest
import yaml

from ewc_lambda.config.study_config import (
    allowed,
    load,
    part,
    resolve,
    schema,
    without_later,
)
from ewc_lambda.errors import StudyError
from ewc_lambda.learning.importance import IMPORTANCE
from ewc_lambda.learning.losses import LOSSES

ROOT = Path(__file__).parents[3]

STUDIES = sorted((Path(__file__).parents[3] / "config").rglob("*.yaml"))
PROPERTIES = schema()["properties"]

BAD = {
    # what is wrong: (given, start of the message, what the message says is allowed)
    "unknown key": ({"lamda": 3}, "lamda: no such key", "low_range"),
    "unknown key that is no name": ({3: 3}, "3: no such key", "low_range"),
    "text for a number": ({"epochs": "ten"}, "epochs: ", "integer"),
    "float for an integer": ({"epochs": 2.5}, "epochs: ", "integer"),
    "whole float for an integer": ({"steps": 9.0}, "steps: ", "integer"),
    "whole float in a list": ({"hidden": [8, 8.0]}, r"hidden\[1\]: ", "integer"),
    "boolean for an integer": ({"trials": True}, "trials: ", "integer"),
    "boolean in a range": ({"low_range": [True, 2]}, r"low_range\[0\]: ", "number"),
    "number for a boolean": ({"save_weights": 1}, "save_weights: ", "boolean"),
    "number for a list": ({"hidden": 8}, "hidden: ", "list of"),
    "nothing": ({"epochs": None}, "epochs: ", "integer"),
    "word that is none of the choices": ({"heads": "two"}, "heads: ", "one of per_task, shared"),
    "unknown data set": ({"dataset": "mnsit"}, "dataset: ", "digits, mnist"),
    "unknown transform": ({"transform": "mirrored"}, "transform: ", "none, permuted, rotated"),
    "no task": ({"tasks": []}, "tasks: ", "list of 1 to 100 tasks"),
    "unknown importance measure": (
        {"importance": ["fisher", "fischer"]},
        r"importance\[1\]: ",
        "fisher_exact",
    ),
    "importance measure twice": ({"importance": ["fisher", "fisher"]}, "importance: ", "list"),
    "below the range": ({"trials": 0}, "trials: ", "at least 1"),
    "above the range": ({"decay": 1.5}, "decay: ", "at most 1"),
    "on an open end": ({"learning_rate": 0}, "learning_rate: ", "above 0"),
    "on the other open end": ({"validation_fraction": 1}, "validation_fraction: ", "below 1"),
    "negative bound": ({"low_range": [-1, 1]}, r"low_range\[0\]: ", "from 0"),
    "three steps": ({"steps": 3}, "steps: ", "at least 4"),
    "name with a slash": ({"study": "a/b"}, "study: ", "letters, digits, _ and -"),
    "empty name": ({"study": ""}, "study: ", "letters, digits, _ and -"),
    "range of one number": ({"low_range": [1]}, "low_range: ", "least, greatest"),
    "range of three numbers": ({"high_range": [1, 2, 3]}, "high_range: ", "least, greatest"),
    "nan": ({"learning_rate": math.nan}, "learning_rate: ", "finite"),
    "nan in a range": ({"low_range": [1, math.nan]}, "low_range: ", "finite"),
    "nan for an integer": ({"steps": math.nan}, "steps: ", "integer"),
    "infinity": ({"high_range": [1e5, math.inf]}, r"high_range\[1\]: inf", "1e30"),
    "range that falls": ({"low_range": [10, 1]}, "low_range: ", "least, greatest"),
    "high range that falls": ({"high_range": [1e6, 1e5]}, "high_range: ", "least, greatest"),
    "low above high": (
        {"low_range": [1e7, 1e8], "high_range": [1, 10]},
        "low_range: its upper end",
        "low_range first",
    ),
    "ranges that touch": (
        {"low_range": [1, 10], "high_range": [10, 20]},
        "low_range: its upper end",
        "do not overlap",
    ),
    "log with a bound of 0": ({"low_range": [0, 1]}, "low_range: ", "above 0"),
    "class that the data set does not have": (
        {"tasks": [[0, 1], [2, 10]]},
        r"tasks\[1\]: 10 is not a class of digits",
        "9",
    ),
    "negative class": ({"tasks": [[0, 1], [-1, 2]]}, r"tasks\[1\]: -1", "9"),
    "class twice in a task": ({"tasks": [[0, 1], [3, 3]]}, r"tasks\[1\]: .* twice", "3"),
    "task without classes": ({"tasks": [[0, 1], []]}, r"tasks\[1\]: ", "at least one class"),
    "no tasks": ({"tasks": []}, "tasks: ", "list"),
    "class that is no whole number": ({"tasks": [[0, 1.5]]}, r"tasks\[0\]: 1.5", "number"),
    "different counts with a shared head": (
        {"tasks": [[0, 1], [2, 3, 4]], "heads": "shared"},
        "tasks: have 2, 3 classes",
        "per_task or growing",
    ),
    "regression loss for classes": (
        {"loss": "mean_squared_error"},
        "loss: mean_squared_error does not fit",
        "cross-entropies",
    ),
    "custom model without a file": ({"model": "custom"}, "model_file: must be set", "path"),
    "normalization of dense layers": (
        {"model": "mlp", "normalization": "batch"},
        "normalization: batch is for the convolutional models",
        "null",
    ),
    "unknown normalization": ({"normalization": "layer"}, "normalization: ", "group"),
    "augmentation of what is no picture": (
        {"dataset": "iris", "tasks": [[0, 1]], "augment_rotation": 10},
        "augment_rotation: needs pictures",
        "iris",
    ),
    "augmentation of permuted pixels": (
        {"transform": "permuted", "augment_flip": True},
        "augment_flip: pixels that were permuted",
        "none of augment_zoom",
    ),
    "zoom that leaves nothing": ({"augment_zoom": 1}, "augment_zoom: ", "below 1"),
    "rotation without angles": ({"transform": "rotated"}, "rotations: ", "angle"),
    "momentum of adam": ({"momentum": 0.9}, "momentum: 0.9 is of sgd", "optimizer sgd"),
    "nothing to carry": (
        {"optimizer": "sgd", "optimizer_state": "carried"},
        "optimizer_state: sgd without momentum",
        "reset",
    ),
    "gradients cut to nothing": ({"gradient_clip": 0}, "gradient_clip: ", "above 0, or null"),
    "leaky rectifiers of another model": (
        {"model": "small_cnn", "negative_slope": 0.01},
        "negative_slope: 0.01 is of the rectifiers of mlp",
        "0",
    ),
    "fewer updates than evaluations": (
        {"updates": 3, "evaluations_per_epoch": 4},
        "evaluations_per_epoch: 4 is more than the 3 updates",
        "at most 3",
    ),
    "predicted labels of a regression": (
        {
            "dataset": "function",
            "tasks": [{"family": "sine"}],
            "loss": "mean_squared_error",
            "importance": ["fisher", "fisher_predicted"],
        },
        "importance: fisher_predicted needs classes",
        "all but fisher_predicted",
    ),
    "angles that are too few": ({"transform": "rotated", "rotations": [3]}, "rotations: ", "2"),
}


def test_the_defaults_are_a_valid_study():
    assert resolve({}) == {key: entry["default"] for key, entry in PROPERTIES.items()}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_studies_of_the_project_are_valid(path):
    given = yaml.safe_load(path.read_text())
    config = resolve(given)
    assert config | given == config
    assert set(config) == set(PROPERTIES)


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_message_that_names_the_key_and_says_what_is_allowed(what):
    given, start, allowed_words = BAD[what]
    with pytest.raises(StudyError, match=f"^{start}") as caught:
        resolve(given)
    message = str(caught.value)
    assert allowed_words in message
    assert "\n" not in message
    assert caught.value.__cause__ is None


def test_what_was_given_is_not_changed_and_stands_over_the_defaults():
    given = {"epochs": 3, "low_range": [2, 3]}
    config = resolve(given)
    assert given == {"epochs": 3, "low_range": [2, 3]}
    assert (config["epochs"], config["low_range"], config["steps"]) == (3, [2, 3], 9)


def test_a_linear_search_may_begin_at_zero():
    config = resolve({"spacing": "linear", "low_range": [0, 0], "high_range": [10, 20]})
    assert config["low_range"] == [0, 0]


@pytest.mark.parametrize("key", PROPERTIES)
def test_every_key_has_part_description_type_and_a_default_that_is_allowed(key):
    entry = PROPERTIES[key]
    assert {"part", "description", "type", "default"} <= set(entry)
    assert entry["description"].strip().endswith(".")
    assert jsonschema.Draft202012Validator(entry).is_valid(entry["default"])
    assert allowed(entry)


def test_every_key_with_a_number_has_a_range():
    for key, entry in PROPERTIES.items():
        types = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
        if {"integer", "number"} & set(types):
            assert {"minimum", "exclusiveMinimum"} & set(entry), key


def test_the_schema_is_one_and_admits_no_unknown_key():
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["additionalProperties"] is False


def test_the_schema_knows_the_measures_and_losses_of_the_library():
    assert set(PROPERTIES["importance"]["items"]["enum"]) == set(IMPORTANCE)
    assert PROPERTIES["loss"]["enum"] == list(LOSSES)


def test_parts_divide_the_config():
    config = resolve({})
    names = sorted({entry["part"] for entry in PROPERTIES.values()})
    pieces = [part(config, name) for name in names]
    assert sum(len(piece) for piece in pieces) == len(without_later(config))
    assert part(config, *names) == without_later(config)
    model = {"model": "mlp", "model_file": None, "hidden": [64, 32], "normalization": None}
    model |= {"trainer": None, "trainer_command": None, "trainer_python": None}
    assert part(config, "model") == model
    # More trials make nothing anew that is trained.
    assert set(part(config, "study")) == {"study", "trials", "target_width", "min_trials"}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("hidden", ["8", "4"], [8, 4]),
        ("low_range", ["1", "1e1"], [1, 10.0]),
        ("samples_per_task", "null", None),
        ("expand_at_edge", "true", True),
        ("learning_rate", "1e-3", 1e-3),
        ("tasks", [["0", "1"], ["2", "3"]], [[0, 1], [2, 3]]),
        ("study", "2026", "2026"),
        ("study", 2024, "2024"),
        ("npz_file", 2024, "2024"),
        ("importance", "fisher", ["fisher"]),
        ("normalize", "none", "none"),
    ],
)
def test_text_from_the_command_line_is_read_as_what_it_stands_for(key, text, value):
    found = resolve({key: text})[key]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("given", "way"),
    [
        ({"trials": 10.0}, "Write 10, without point or exponent."),
        ({"hidden": [8.0]}, "Write 8, without point or exponent."),
        ({"hidden": 64}, r"Write \[64\]."),
        ({"study": 1000.0}, "Write it in quotes in a file, and --config 'study=!!str TEXT'"),
        ({"npz_file": True}, "Allowed: text, or null.$"),
        ({"trials": 2.5}, "Allowed: integer at least 1, at most 10000.$"),
    ],
)
def test_the_message_names_the_way_to_write_what_was_meant(given, way):
    with pytest.raises(StudyError, match=rf"^{next(iter(given))}.*{way}"):
        resolve(given)


def test_an_anchor_inside_itself_is_refused():
    endless = []
    endless.append(endless)
    for given in ({"tasks": endless}, {"hidden": [[[[8]]]]}):
        with pytest.raises(StudyError, match=r"^(tasks|hidden): lists inside lists"):
            resolve(given)


def test_a_class_may_have_a_name_that_reads_like_something_else():
    tasks = [["001", "010"], ["no", "1e3"]]
    given = {"dataset": "image_folder", "image_size": 8, "tasks": tasks}
    assert resolve(given)["tasks"] == tasks


def test_a_study_is_read_over_the_default_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("trials: 3\nepochs: 7\n")
    (tmp_path / "mine.yaml").write_text("study: mine\ntrials: 2\n")
    config = load("mine.yaml")
    assert (config["study"], config["trials"], config["epochs"]) == ("mine", 2, 7)


@pytest.mark.parametrize(
    "text", ["- a\n- b\n", "trials: [1\n", "trials: 2024-13-45\n", "trials: !!int abc\n", None]
)
def test_a_file_that_is_no_config_is_named(tmp_path, monkeypatch, text):
    monkeypatch.chdir(ROOT)
    path = tmp_path / "mine.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StudyError, match=r"mine\.yaml"):
        load(path)
