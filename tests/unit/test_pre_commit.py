"""The hooks of .pre-commit-config.yaml pass on what is committed, and find what is wrong."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from commands import OWN_LIBRARY

from ewc_lambda.command.main import main

ROOT = Path(__file__).parents[2]
HOOKS = {
    hook["id"]: hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
}
SUFFIXES = {"python": ".py", "jupyter": ".ipynb"}


def files(hook):
    """The committed files that a hook is for, as pre-commit picks them."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    kinds = tuple(SUFFIXES[kind] for kind in hook.get("types_or", ()))
    return [
        name
        for name in listed.stdout.splitlines()
        if re.search(hook.get("files", ""), name) and name.endswith(kinds or "")
    ]


def run(hook, names, cwd=ROOT):
    """Run a hook with the programs of this environment."""
    entry = hook["entry"].replace(".venv/bin", str(Path(sys.executable).parent)).split()
    given = names if hook.get("pass_filenames", True) else []
    return subprocess.run(
        [*entry, *given], cwd=cwd, env=OWN_LIBRARY, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_passes_on_what_is_committed(name):
    names = files(HOOKS[name])
    assert names
    done = run(HOOKS[name], names)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("ruff", "a.py", "import os\n"),
        ("ruff-format", "a.py", "x = {  'a':1}\n"),
        ("snakefmt", "a.smk", "rule a:\n  output: 'x'\n"),
    ],
)
def test_a_hook_finds_what_is_wrong(tmp_path, name, file, text):
    (tmp_path / file).write_text(text)
    assert run(HOOKS[name], [file], tmp_path).returncode != 0


def test_a_table_that_is_not_the_schemas_is_found_and_left_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "config/README.md"
    page.parent.mkdir()
    page.write_text((ROOT / "config/README.md").read_text().replace("| `epochs` |", "| `epoch` |"))
    before = page.read_text()
    assert main(["config-table", "--check"]) == 1
    assert "make config-table" in capsys.readouterr().err
    assert page.read_text() == before
    assert main(["config-table"]) == 0
    assert page.read_text() != before
    assert main(["config-table", "--check"]) == 0
