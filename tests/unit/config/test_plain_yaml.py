"""YAML that would fill the memory is refused; an anchor that spares a list is not."""

import itertools
import time

import pytest
import yaml

from ewc_lambda.config.plain_yaml import grows, load_plain
from ewc_lambda.config.study_config import check_keys, load
from ewc_lambda.errors import StudyError

LETTERS = "abcdefghijklmnopqrstuvwxyz"
GROWING = {
    "merges": "a: &a {k: 1}\n"
    + "\n".join(f"{y}: &{y} {{<<: [*{x}, *{x}]}}" for x, y in itertools.pairwise(LETTERS)),
    "aliases": "a: &a [1, 1]\n"
    + "\n".join(f"{y}: &{y} [{', '.join([f'*{x}'] * 9)}]" for x, y in itertools.pairwise(LETTERS)),
}


@pytest.mark.parametrize("text", GROWING.values(), ids=GROWING)
@pytest.mark.parametrize("read", [check_keys, load])
def test_what_grows_is_refused_in_seconds(tmp_path, monkeypatch, read, text):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("study: small\n")
    path = tmp_path / "config/own.yaml"
    path.write_text(text)
    monkeypatch.chdir(tmp_path)
    assert len(text) < 1500
    start = time.monotonic()
    with pytest.raises(StudyError, match=r"own\.yaml: its aliases and merges .* write them out"):
        read(path)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("text", ["a: &a [1, 2]\nb: *a\n", "a: &a {k: 1}\nb: {<<: *a, l: 2}\n"])
def test_an_anchor_that_spares_a_list_is_read(tmp_path, text):
    assert not grows(yaml.compose(text, yaml.SafeLoader))
    (tmp_path / "own.yaml").write_text(text)
    check_keys(tmp_path / "own.yaml")


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: &a {b: *a}\n", ""])
def test_what_stands_in_itself_ends(text):
    assert not grows(yaml.compose(text, yaml.SafeLoader))


@pytest.mark.parametrize("text", ["a: &a [1]\nb: *a\n", "a: &a {k: 1}\nb: {<<: *a}\n"])
def test_where_none_is_needed_every_alias_is_refused(text):
    with pytest.raises(yaml.YAMLError, match="an alias, which is not allowed"):
        load_plain(text)


def test_plain_text_is_read_as_ever():
    text = "study: small\nlow_range: [0.1, 1.0]\nnested: {a: [1, x, null]}\n"
    assert load_plain(text) == yaml.safe_load(text)
