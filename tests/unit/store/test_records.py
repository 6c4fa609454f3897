"""Sealed files: what was written is read, and nothing else is taken for it."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.store import records
from ewc_lambda.store.front import SHORT, read_front
from ewc_lambda.store.records import file_digest, read_hdf5, read_json, write_hdf5, write_json

CONTENT = {
    "numbers": (np.linspace(0, 1, 7), {"axes": "sample", "units": "none"}),
    "group/counts": np.arange(12, dtype=np.int64).reshape(3, 4),
    "group/names": ["first", "zweite", "troisième"],
    "large": np.random.default_rng(0).normal(size=(50, 60)).astype(np.float32),
    "flags": np.array([True, False]),
    "images": np.arange(256, dtype=np.uint8),
}
ATTRIBUTES = {"content": "test", "number": 3, "share": 0.25, "nested": {"b": [1, 2], "a": "x"}}
DECISION = {"lambdas": [0.1, 1.0, 1e300], "stop": None, "name": "fisher", "nested": {"n": 1}}

any_file = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "results" / "step.h5"
    write_hdf5(path, CONTENT, ATTRIBUTES)
    return path


@pytest.fixture
def decision(tmp_path):
    path = tmp_path / "decision.json"
    write_json(path, DECISION)
    return path


def assert_refused(read, path):
    """One message that names the file."""
    with pytest.raises(BrokenFileError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.path == path
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------ HDF5


def test_hdf5_is_read_as_it_was_written(sealed):
    content, attributes = read_hdf5(sealed)
    assert set(content) == set(CONTENT)
    for name, value in CONTENT.items():
        values = value[0] if isinstance(value, tuple) else value
        if name == "group/names":
            assert content[name].tolist() == values
        else:
            assert content[name].dtype == values.dtype
            assert np.array_equal(content[name], values)
    assert {key: attributes[key] for key in ATTRIBUTES} == ATTRIBUTES
    assert attributes["sha256"] == read_front(sealed).seal


def test_values_that_are_not_finite_are_kept(tmp_path):
    values = np.array([np.nan, np.inf, -np.inf, -0.0])
    write_hdf5(tmp_path / "a.h5", {"loss": values}, {})
    found = read_hdf5(tmp_path / "a.h5")[0]["loss"]
    assert found.tobytes() == values.tobytes()


def test_the_same_results_are_the_same_bytes(tmp_path):
    for name, order in (("a.h5", CONTENT), ("b.h5", dict(reversed(CONTENT.items())))):
        write_hdf5(tmp_path / name, order, dict(reversed(ATTRIBUTES.items())))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_changed_value_is_another_seal(tmp_path, sealed):
    changed = {**CONTENT, "numbers": np.linspace(0, 1, 7) + 1e-15}
    write_hdf5(tmp_path / "b.h5", changed, ATTRIBUTES)
    assert read_front(tmp_path / "b.h5").seal != read_front(sealed).seal


def test_a_sealed_file_opens_in_any_hdf5_program_with_its_axes(sealed):
    with h5py.File(sealed, "r") as file:
        assert file["numbers"].attrs["axes"] == "sample"
        assert file.attrs["format"] == records.FORMAT
        assert json.loads(file.attrs["nested"]) == ATTRIBUTES["nested"]


@pytest.mark.parametrize("kept", [0, 1, 81, 511, 512, 513, 5000, -1])
def test_a_truncated_hdf5_is_refused(sealed, kept):
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:kept])
    assert_refused(read_hdf5, sealed)
    assert_refused(read_front, sealed)


def test_an_hdf5_with_something_behind_it_is_refused(sealed):
    sealed.write_bytes(sealed.read_bytes() + b"\0")
    assert_refused(read_hdf5, sealed)


@any_file
@given(st.data())
def test_an_hdf5_with_one_flipped_bit_anywhere_is_refused(sealed, data):
    whole = bytearray(sealed.read_bytes())
    changed = sealed.with_name("changed.h5")
    # The 512 bytes in front are few and hold the seal itself: half of the trials go there.
    place = data.draw(st.one_of(st.integers(0, 511), st.integers(0, len(whole) - 1)))
    bit = data.draw(st.integers(0, 7))
    # One bit says that a program has the file open; it is no part of the data.
    assume((place, bit) != (512 + 20, 0))
    whole[place] ^= 1 << bit
    changed.write_bytes(whole)
    assert_refused(read_hdf5, changed)


def test_a_missing_hdf5_is_refused(tmp_path):
    assert_refused(read_hdf5, tmp_path / "missing.h5")


@pytest.mark.parametrize("block", [0, 512])
def test_a_foreign_hdf5_is_refused(tmp_path, block):
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w", userblock_size=block) as file:
        file["loss"] = np.zeros(500)
    assert_refused(read_hdf5, path)


def test_a_text_file_is_refused(tmp_path):
    path = tmp_path / "step.h5"
    path.write_text("loss\n" * 500)
    assert_refused(read_hdf5, path)


def test_a_file_of_another_format_names_both_and_what_to_do(tmp_path, monkeypatch):
    path = tmp_path / "newer.h5"
    monkeypatch.setattr(records, "FORMAT", 99)
    write_hdf5(path, CONTENT, ATTRIBUTES)
    monkeypatch.undo()
    with pytest.raises(StudyError, match="format 99, this version reads format 1") as caught:
        read_hdf5(path)
    # It is whole: nobody should move it aside.
    assert not isinstance(caught.value, BrokenFileError)
    assert str(path) in str(caught.value)


def test_the_recipe_is_kept_in_front_and_under_the_seal(tmp_path, sealed):
    path = tmp_path / "step.h5"
    write_hdf5(path, CONTENT, ATTRIBUTES, "a" * 64)
    assert read_front(path).recipe == "a" * 64
    assert read_front(sealed).recipe == ""
    assert_refused(read_front, tmp_path / "missing.h5")
    # The same results by another recipe are another file.
    assert read_hdf5(path)[1]["sha256"] != read_hdf5(sealed)[1]["sha256"]
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"a" * 64, b"b" * 64, 1))
    assert_refused(read_hdf5, path)


def test_what_a_file_was_made_from_is_kept_in_front_and_under_the_seal(tmp_path, sealed):
    path = tmp_path / "step.h5"
    write_hdf5(path, CONTENT, ATTRIBUTES, "a" * 64, {"data": "d" * 64, "base_model": "b" * 64})
    assert read_front(path).origin == {"data": "d" * SHORT, "base_model": "b" * SHORT}
    assert read_front(path).seal == read_hdf5(path)[1]["sha256"]
    assert read_front(sealed).origin == {}
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"d" * SHORT, b"e" * SHORT, 1))
    assert_refused(read_front, path)


def test_every_byte_in_front_is_under_the_seal(tmp_path):
    path = tmp_path / "step.h5"
    write_hdf5(path, CONTENT, ATTRIBUTES, "a" * 64, {"data": "d" * 64})
    whole = path.read_bytes()
    for place in range(512):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert_refused(read_front, path)


def test_a_file_of_before_there_was_an_origin_is_read():
    reference = Path(__file__).parents[3] / "results/reference/mnist/study.h5"
    assert read_front(reference).origin == {}


# ------------------------------------------------------------------ JSON


def test_json_is_read_as_it_was_written(decision):
    assert read_json(decision) == DECISION


def test_floats_in_json_keep_their_bits(tmp_path):
    values = np.random.default_rng(0).lognormal(0, 50, size=500).tolist()
    write_json(tmp_path / "a.json", {"lambdas": values})
    assert read_json(tmp_path / "a.json")["lambdas"] == values


def test_json_has_null_where_a_number_is_not_finite(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"measures": [1.0, np.nan, (np.inf, {"x": -np.inf})], "best": float("nan")})
    assert read_json(path) == {"measures": [1.0, None, [None, {"x": None}]], "best": None}
    assert "NaN" not in path.read_text()


def test_the_same_json_is_the_same_bytes(tmp_path, decision):
    write_json(tmp_path / "b.json", dict(reversed(DECISION.items())))
    assert (tmp_path / "b.json").read_bytes() == decision.read_bytes()


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.99])
def test_a_truncated_json_is_refused(decision, share):
    whole = decision.read_bytes()
    decision.write_bytes(whole[: int(share * len(whole))])
    assert_refused(read_json, decision)


@any_file
@given(st.data())
def test_a_json_with_one_flipped_bit_is_refused_unless_it_says_the_same(decision, data):
    whole = bytearray(decision.read_bytes())
    changed = decision.with_name("changed.json")
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    changed.write_bytes(whole)
    try:
        found = read_json(changed)
    except BrokenFileError:
        assert_refused(read_json, changed)
    else:
        # 1e+300 and 1E+300 are the same number.
        assert found == DECISION


@pytest.mark.parametrize("text", ["{}", "[]", "3", "null", '{"lambdas": [1], "sha256": "0"}'])
def test_a_foreign_json_is_refused(tmp_path, text):
    path = tmp_path / "foreign.json"
    path.write_text(text)
    assert_refused(read_json, path)


def test_a_missing_json_is_refused(tmp_path):
    assert_refused(read_json, tmp_path / "missing.json")


# ------------------------------------------------------------------ digests


def test_file_digest_is_the_sha_256_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # NIST's example of FIPS 180-2.
    assert file_digest(tmp_path / "a") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
