"""Provenance: what a result says of where it comes from."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from ewc_lambda.store import provenance
from ewc_lambda.store.provenance import provenance as provenance_of
from ewc_lambda.store.provenance import recipe_of


def test_provenance_names_versions_config_and_code_and_no_time_or_host():
    found = provenance_of("c" * 64, {"epochs": 3})
    assert found["code_sha256"] == "c" * 64
    assert found["config"] == {"epochs": 3}
    assert set(found) == {
        "code_sha256",
        "config",
        "versions",
        "revision",
        "machine",
        "arithmetic",
    }
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
    assert provenance.revision.__wrapped__() == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.revision.__wrapped__() == "unknown"


def test_where_a_file_says_the_revision_git_is_not_asked(monkeypatch, tmp_path):
    library = tmp_path / "workflow/scripts/ewc_lambda"
    monkeypatch.setattr(provenance, "_LIBRARY", library)
    (tmp_path / "REVISION").write_text("0123abc\n")
    assert provenance.revision.__wrapped__() == "0123abc"


def test_code_modules_are_kept_where_they_are_given():
    found = provenance_of("c" * 64, {}, {"ewc_lambda/seeding.py": "a" * 12})
    assert found["code_modules"] == {"ewc_lambda/seeding.py": "a" * 12}
    assert recipe_of(found) == recipe_of(provenance_of("c" * 64, {}))


def computes(imports, given="", **environment):
    code = f"{imports}from ewc_lambda.store.provenance import arithmetic; "
    code += f"print(arithmetic({given}))"
    path = str(Path(provenance.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_arithmetic_names_the_kernels_that_torch_chose():
    kinds = {"avx2": "AVX2", "default": "DEFAULT"}
    found = {kind: computes("import torch; ", "torch", ATEN_CPU_CAPABILITY=kind) for kind in kinds}
    processor = computes("")
    # Imported is not computed with.
    assert computes("import torch; ") == processor
    assert re.fullmatch(r"\w+", processor)
    for kind, said in found.items():
        if platform.machine() == "x86_64":
            assert said == f"{processor}, torch {kinds[kind]}"
        else:
            assert said.startswith(f"{processor}, torch ")


def test_the_arithmetic_does_not_import_torch():
    code = "import sys; from ewc_lambda.store.provenance import arithmetic; arithmetic(); "
    path = str(Path(provenance.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"],
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0


def test_the_arithmetic_of_a_gpu_is_its_name():
    def is_initialized():
        return True

    cuda = SimpleNamespace(is_initialized=is_initialized, get_device_name=lambda: "H100")
    assert provenance.arithmetic(SimpleNamespace(cuda=cuda)).endswith(", torch H100")
