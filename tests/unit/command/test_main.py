"""`ewc-lambda`: what each command says and writes, and one message for whatever is typed wrong."""

import json
import signal
import subprocess
import sys

import pytest
from commands import OWN_LIBRARY, ROOT, ewc_lambda, modules_after

from ewc_lambda.command.main import COMMANDS, main

REFERENCE = ROOT / "results/reference"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name, line in COMMANDS.items():
        assert f"{name} {line}" in shown


def test_help_imports_nothing_heavy():
    found = modules_after(
        "from contextlib import suppress\n"
        "from ewc_lambda.command.main import main\n"
        "with suppress(SystemExit): main(['--help'])"
    )
    assert not found & {"torch", "numpy", "pandas", "h5py", "matplotlib", "scipy", "yaml"}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_help_and_says_what_it_does(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert end.value.code == 0
    assert f"usage: ewc-lambda {name}" in shown
    assert COMMANDS[name][1:] in shown


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "usage: ewc-lambda"),
        (("sumary",), 2, "invalid choice: 'sumary' (choose from"),
        (("noise", "one"), 2, "required: independent"),
        (("unpack",), 2, "required: archive"),
        (("summary",), 1, "config/config.yaml: not in "),
        (("summary", "absent"), 1, "config/config.yaml: not in "),
        (("summary", "absent.h5"), 1, "absent.h5: no such file; a study is named by"),
        (("verify", "absent.yaml"), 1, "absent.yaml: no such file"),
        (("pack", "a/b/c"), 1, "config/config.yaml: not in "),
        (("unpack", "absent.tar"), 1, "absent.tar: the file is missing"),
        (("import-published", "absent.json"), 1, "absent.json: no such file"),
        (("findings",), 1, "Run this in the project's folder"),
        (("config-table",), 1, "Run this in the project's folder"),
    ],
)
def test_what_is_typed_wrong_ends_in_one_message(tmp_path, words, status, said):
    done = ewc_lambda(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    if status == 1:
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith(f"ewc-lambda {words[0]}: ")
    assert not list(tmp_path.iterdir())


def test_what_the_machine_refuses_is_one_message_too(tmp_path, capsys):
    (tmp_path / "file").touch()
    archive = str(tmp_path / "file/below.tar")
    assert main(["pack", str(REFERENCE / "digits/study.h5"), archive]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "file" in said


def test_a_study_goes_into_one_file_and_comes_back(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["pack", "digits", "--results", str(REFERENCE)]) == 0
    assert capsys.readouterr().out == "digits.tar: packed\n"
    assert main(["unpack", "digits.tar"]) == 0
    assert "--configfile results/digits/config.yaml" in capsys.readouterr().out
    there = tmp_path / "results/digits/study.h5"
    assert there.read_bytes() == (REFERENCE / "digits/study.h5").read_bytes()
    assert main(["unpack", "digits.tar"]) == 1
    assert "there already" in capsys.readouterr().err
    assert main(["verify", "digits"]) == 0
    assert "study.h5 is as it was written" in capsys.readouterr().out


def test_a_study_file_of_another_name_is_not_verified(tmp_path, capsys):
    (tmp_path / "study.h5").symlink_to(REFERENCE / "digits/study.h5")
    assert main(["verify", str(tmp_path / "study.h5")]) == 1
    assert "is of the study digits" in capsys.readouterr().err


def test_a_study_that_is_not_there_says_which_command_makes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main(["pack", "mnist", "--results", str(tmp_path)]) == 1
    assert "snakemake --cores all --configfile config/studies/mnist.yaml" in capsys.readouterr().err


def test_published_lists_become_a_study_that_is_not_replaced(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lists.json").write_text(json.dumps([[[1, 3.0], [10, 2.0], [100, 2.5]]]))
    assert main(["import-published", "lists.json", "--study", "theirs"]) == 0
    assert "Wrote results/theirs/study.h5" in capsys.readouterr().out
    assert main(["summary", "theirs"]) == 0
    assert capsys.readouterr().out.startswith("Study theirs: 1 trial")
    assert main(["import-published", "lists.json", "--study", "theirs"]) == 1
    assert "exists already" in capsys.readouterr().err


def test_findings_writes_the_pages_of_the_folder_that_it_is_run_in(tmp_path, monkeypatch):
    for name in ("digits", "three_tasks", "noise_digits_common", "noise_digits_independent"):
        study = tmp_path / "results/reference" / name
        study.parent.mkdir(parents=True, exist_ok=True)
        study.symlink_to(REFERENCE / name)
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["findings"]) == 0
    assert (tmp_path / "docs/findings.md").read_text().startswith("# Findings")
    page = (tmp_path / "docs/figures.md").read_text()
    for picture in (tmp_path / "docs/figures").iterdir():
        assert picture.stat().st_size > 1000
    assert "figures/digits_curves.png" in page
    assert (tmp_path / "docs/figures/digits_curves.png").exists()


def test_a_reader_that_has_read_enough_is_no_error():
    """As `ewc-lambda summary | head` reads."""
    study = str(REFERENCE / "digits/study.h5")
    command = [sys.executable, "-m", "ewc_lambda", "summary", study]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=OWN_LIBRARY, **pipes) as run:
        run.stdout.close()
        said = run.stderr.read()
    assert (run.returncode, said) == (128 + signal.SIGPIPE, b"")
