"""Provenance: what a result says of where it comes from."""

from ewc_lambda.store import provenance
from ewc_lambda.store.provenance import provenance as provenance_of
from ewc_lambda.store.provenance import recipe_of


def test_provenance_names_versions_config_and_code_and_no_time_or_host():
    found = provenance_of("c" * 64, {"epochs": 3})
    assert found["code_sha256"] == "c" * 64
    assert found["config"] == {"epochs": 3}
    assert set(found) == {"code_sha256", "config", "versions", "revision", "machine"}
    assert found["versions"]["torch"].startswith("2.")
    assert found == provenance_of("c" * 64, {"epochs": 3})


def test_the_recipe_is_that_of_code_and_config_alone():
    first = provenance_of("c" * 64, {"epochs": 3, "steps": 4})
    same = {**provenance_of("c" * 64, {"steps": 4, "epochs": 3}), "revision": "another"}
    assert recipe_of(first) == recipe_of(same)
    assert recipe_of(first) != recipe_of(provenance_of("d" * 64, {"epochs": 3, "steps": 4}))
    assert recipe_of(first) != recipe_of(provenance_of("c" * 64, {"epochs": 4, "steps": 4}))


def test_outside_of_a_checkout_the_revision_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "_LIBRARY", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance._revision.__wrapped__() == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance._revision.__wrapped__() == "unknown"
