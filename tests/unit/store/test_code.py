"""The digests of the code: they change with whatever a script runs, and with nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ewc_lambda
from ewc_lambda.store import code
from ewc_lambda.store.code import changed_modules, code_digest, code_modules, source_digest

SCRIPTS = Path(ewc_lambda.__file__).parents[1]
RULES = sorted(path.stem for path in SCRIPTS.glob("*.py") if "snakemake" in path.read_text())

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
    monkeypatch.setattr(code, "SCRIPTS", tmp_path)
    return tmp_path


def digest(script="train"):
    return code_digest.__wrapped__(script)


@pytest.mark.parametrize("name", USED)
def test_digest_changes_with_every_module_that_a_script_imports_directly_or_not(library, name):
    before = digest()
    with (library / name).open("a") as file:
        file.write("changed = 1\n")
    assert digest() != before


@pytest.mark.parametrize("name", sorted(set(FILES) - set(USED)))
def test_digest_does_not_change_with_modules_that_a_script_does_not_import(library, name):
    before = digest()
    with (library / name).open("a") as file:
        file.write("changed = 1\n")
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


def test_digest_of_several_scripts_covers_each(library):
    both = code_digest.__wrapped__("train", "other")
    assert both == code_digest.__wrapped__("other", "train")
    assert both not in (digest(), digest("other"))
    with (library / "ewc_lambda/unused.py").open("a") as file:
        file.write("changed = 1\n")
    assert code_digest.__wrapped__("train", "other") != both


def rename(library, old, new, importers):
    """Give a module another name, and those that import it the new one."""
    (library / f"ewc_lambda/{old}.py").rename(library / f"ewc_lambda/{new}.py")
    for name in importers:
        path = library / name
        path.write_text(re.sub(rf"\b{old}\b", new, path.read_text()))


def test_a_renamed_module_that_holds_the_same_code_is_no_change(library):
    (library / "train.py").write_text(
        "from ewc_lambda.a import f\nfrom ewc_lambda.sister import x\nprint(f, x)\n"
    )
    (library / "ewc_lambda/beside.py").write_text("from .sister import x\n")
    before = digest()
    rename(library, "sister", "aunt", ["train.py", "ewc_lambda/beside.py"])
    # Sorted as a formatter does.
    (library / "train.py").write_text(
        "from ewc_lambda.a import f\nfrom ewc_lambda.aunt import x\nprint(f, x)\n"
    )
    assert digest() == before
    (library / "ewc_lambda/aunt.py").write_text("x = 2\n")
    assert digest() != before


def test_a_module_that_asks_for_its_name_or_place_changes_with_it(library):
    (library / "ewc_lambda/beside.py").write_text("from .sister import x\n")
    (library / "ewc_lambda/sister.py").write_text("x = __file__\n")
    before = digest()
    rename(library, "sister", "aunt", ["ewc_lambda/beside.py"])
    assert digest() != before


@pytest.mark.parametrize("depth", [1, 4])
def test_an_import_that_goes_to_another_module_is_a_change(library, depth):
    """Even where both modules are used before and after, and far below the script."""
    chain = [f"m{number}" for number in range(depth)]
    for name, below in zip(chain, [*chain[1:], "one"], strict=True):
        (library / f"ewc_lambda/{name}.py").write_text(f"from ewc_lambda.{below} import x\n")
    (library / "ewc_lambda/one.py").write_text("x = 1\n")
    (library / "ewc_lambda/two.py").write_text("x = 2\n")
    (library / "train.py").write_text("import ewc_lambda.m0\nimport ewc_lambda.two\n")
    before = digest()
    last = library / f"ewc_lambda/{chain[-1]}.py"
    (library / "train.py").write_text("import ewc_lambda.m0\nimport ewc_lambda.one\n")
    last.write_text(last.read_text().replace("ewc_lambda.one", "ewc_lambda.two"))
    assert digest() != before


def test_modules_that_import_each_other_have_a_digest_that_repeats(library):
    for name, other in (("one", "two"), ("two", "one")):
        (library / f"ewc_lambda/{name}.py").write_text(f"import ewc_lambda.{other}\n{name} = 1\n")
    (library / "train.py").write_text("import ewc_lambda.one\n")
    before = digest()
    assert digest() == before
    with (library / "ewc_lambda/two.py").open("a") as file:
        file.write("changed = 1\n")
    assert digest() != before


def test_the_version_of_the_library_is_no_part_of_a_result(library):
    before = digest()
    with (library / "ewc_lambda/a.py").open("a") as file:
        file.write("    from ewc_lambda import __version__\n")
    (library / "ewc_lambda/__init__.py").write_text('"""Another text."""\n')
    assert digest() == before


@pytest.mark.parametrize("name", USED)
def test_modules_that_mean_something_else_are_named(library, name):
    before, digest_before = code_modules("train"), digest()
    with (library / name).open("a") as file:
        file.write("# changed\n")
    assert changed_modules(before, code_modules("train")) == []
    with (library / name).open("a") as file:
        file.write("changed = 1\n")
    assert changed_modules(before, code_modules("train")) == [name]
    assert digest() != digest_before


def test_modules_that_came_and_went_are_named(library):
    before = code_modules("train")
    assert list(before) == USED
    (library / "train.py").write_text("import ewc_lambda.unused\n")
    now = code_modules("train")
    assert changed_modules(before, now) == sorted([*USED[:-1], "ewc_lambda/unused.py", "train.py"])


@pytest.mark.parametrize("name", USED)
def test_the_digest_of_the_sources_changes_with_any_byte(library, name):
    before = source_digest("train")
    with (library / name).open("a") as file:
        file.write("# changed\n")
    assert source_digest("train") != before


@pytest.mark.parametrize("script", RULES)
def test_the_sources_are_those_of_the_modules(script, monkeypatch):
    """The fast way finds the same files as Python's own parser does."""
    seen = []
    original = Path.read_bytes

    def read_bytes(path):
        seen.append(path.relative_to(SCRIPTS).as_posix())
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    source_digest(script)
    assert sorted(seen) == list(code_modules(script))


def test_the_own_file_of_the_user_counts_by_what_it_means(library, tmp_path):
    own = tmp_path / "own.py"
    own.write_text("def trunk():\n    return 1\n")

    def found():
        files = (str(own),)
        return code_digest.__wrapped__("train", files=files), source_digest("train", files=files)

    before = found()
    own.write_text('def trunk():\n    """One."""\n    return 1  # indeed\n')
    assert found()[0] == before[0]
    assert found()[1] != before[1]
    own.write_text("def trunk():\n    return 2\n")
    assert found()[0] != before[0]


def test_two_scripts_that_take_the_text_of_each_other_are_a_change(library):
    (library / "other.py").write_text("x = 1\n")
    before = code_digest.__wrapped__("train", "other")
    texts = [(library / name).read_text() for name in ("train.py", "other.py")]
    for name, text in zip(("other.py", "train.py"), texts, strict=True):
        (library / name).write_text(text)
    assert code_digest.__wrapped__("train", "other") != before
