"""The digest of the code: it changes with whatever a script runs, and with nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ewc_lambda
from ewc_lambda.store import provenance
from ewc_lambda.store.provenance import code_digest, recipe_of
from ewc_lambda.store.provenance import provenance as provenance_of

SCRIPTS = Path(ewc_lambda.__file__).parents[1]

FILES = {
    "train.py": "from ewc_lambda.a import f\n",
    "ewc_lambda/__init__.py": "",
    "ewc_lambda/a.py": "def f():\n    from ewc_lambda import late\n",
    "ewc_lambda/late.py": "import ewc_lambda.plain\n",
    "ewc_lambda/plain.py": "from .beside import g\n",
    "ewc_lambda/beside.py": "from . import sister\nfrom ewc_lambda.sub import h\n",
    "ewc_lambda/sister.py": "x = 1\n",
    "ewc_lambda/sub/__init__.py": "from .inner import h\n",
    "ewc_lambda/sub/inner.py": "from ..cousin import k\n",
    "ewc_lambda/cousin.py": "import json\nfrom pathlib import Path\n",
    "ewc_lambda/unused.py": "x = 1\n",
    "other.py": "import ewc_lambda.unused\n",
}
USED = sorted(set(FILES) - {"ewc_lambda/unused.py", "other.py"})


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A made-up library of the project's shape."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(provenance, "_LIBRARY", tmp_path / "ewc_lambda")
    return tmp_path


def digest(script="train"):
    return code_digest.__wrapped__(script)


@pytest.mark.parametrize("name", USED)
def test_digest_changes_with_every_module_that_a_script_imports_directly_or_not(library, name):
    before = digest()
    with (library / name).open("a") as file:
        file.write("# changed\n")
    assert digest() != before


@pytest.mark.parametrize("name", sorted(set(FILES) - set(USED)))
def test_digest_does_not_change_with_modules_that_a_script_does_not_import(library, name):
    before = digest()
    with (library / name).open("a") as file:
        file.write("# changed\n")
    assert digest() == before


def test_digest_changes_where_a_module_takes_the_text_of_another(library):
    before = digest()
    one, other = library / "ewc_lambda/sister.py", library / "ewc_lambda/cousin.py"
    texts = one.read_text(), other.read_text()
    one.write_text(texts[1])
    other.write_text(texts[0])
    assert digest() != before


def test_digest_is_a_sha_256_and_repeats():
    first = code_digest("prepare_data")
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert code_digest.__wrapped__("prepare_data") == first


def test_digest_covers_what_python_imports(monkeypatch):
    """Against Python itself: the modules of the library in memory after a script is imported."""
    seen = []
    original = Path.read_bytes

    def read_bytes(path):
        seen.append(path)
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    digest("prepare_data")
    command = (
        "import sys; sys.path.insert(0, sys.argv[1]); import prepare_data; "
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('ewc_lambda.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command, str(SCRIPTS)], capture_output=True, text=True, check=True
    )
    imported = {Path(name) for name in done.stdout.split()}
    assert len(imported) > 5
    assert imported <= set(seen)


def test_provenance_names_versions_config_and_code_and_no_time_or_host():
    found = provenance_of("c" * 64, {"epochs": 3})
    assert found["code_sha256"] == "c" * 64
    assert found["config"] == {"epochs": 3}
    assert set(found) == {"code_sha256", "config", "versions", "revision", "machine"}
    assert found["versions"]["torch"].startswith("2.")
    assert found == provenance_of("c" * 64, {"epochs": 3})


def test_digest_of_several_scripts_covers_each(library):
    both = code_digest.__wrapped__("train", "other")
    assert both == code_digest.__wrapped__("other", "train")
    assert both not in (digest(), digest("other"))
    with (library / "ewc_lambda/unused.py").open("a") as file:
        file.write("# changed\n")
    assert code_digest.__wrapped__("train", "other") != both


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
