"""Every command, link and example of the documentation holds."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from documented import PAGES, blocks, commands, links
from forked import forked
from scratch import LIMIT, ROOT, Scratch, with_figures

from ewc_lambda.config.study_config import resolve

pytestmark = pytest.mark.workflow

FOUND = sorted({command for page in PAGES for command in commands(page)})
BIN = Path(sys.executable).parent

# How each command is held to, by the first pattern that it begins with: "run" runs it in a finished
# small study, "plan" lets Snakemake or make say what it would do, "collect" looks for the tests it
# names, and anything else says why it is not run.
HOW = {
    r"snakemake --profile profiles/slurm": "needs a cluster: tests/slurm runs a study through one",
    r"snakemake .*/(NAME|mine).yaml": "a file of the reader's; test_studies.py plans those of "
    "the project",
    r"snakemake .*results/digits/config.yaml": "tests/unit/upkeep/test_archive.py and "
    "test_workflow.py draw figures from an unpacked study",
    r"snakemake .*avalanche_ewc.yaml": "needs Avalanche's Python; test_studies.py plans it",
    r"ewc-lambda report": "tests/workflow/test_report.py runs it",
    r"ewc-lambda summary (FILE|NAME|mine)": "names the reader's; tests/unit/command/test_main.py "
    "runs it",
    r"make (summary|report) STUDY=": "tests/workflow/test_report.py runs them",
    r"snakemake -s ": "names a checkout elsewhere; tests/workflow/test_places.py runs it",
    r"snakemake --rulegraph": "test_the_rule_graph_is_the_one_that_snakemake_draws",
    r"snakemake (-n|--unlock|--cores 1 figures)": "run",
    r"snakemake ": "plan",
    r"make .venv": "installs from a package index, as make study does",
    r"make (summary|figures|report|verify|unlock)$": "run",
    r"make ": "plan",
    r"ewc-lambda (pack|unpack)": "tests/unit/command/test_main.py runs it",
    r"ewc-lambda analyse": "test_the_page_on_sweeps_prints_what_it_shows runs it",
    r"ewc-lambda ": "run",
    r"python benchmarks/": "takes minutes, and measures what is no test",
    r"(.venv/bin/)?pytest ": "collect",
    r"pre-commit install": "changes the reader's git; tests/unit/test_pre_commit.py runs the hooks",
    r"python -c ": "tests/workflow/test_studies.py runs it",
    r"git lfs": "fetches what the reader's own repository names",
    r"git pull": "stands for whatever changes the code",
    r"git clone": "stands for the reader's own address",
    r"pip install \.": "tests/unit/test_installed.py runs it",
    r"pip install git\+ADDRESS": "stands for the reader's own address",
    r"pip wheel ": "tests/container makes the wheels of an image",
    r".venv/bin/pip install": "installs from a package index, as make study does",
    r"rm -rf?": "removes results; names no file of the project",
}


def how(command):
    return next((way for start, way in HOW.items() if re.match(start, command)), None)


def of(way):
    """Commands held to in this way, once for any number of cores."""
    found = [command for command in FOUND if how(command) == way]
    return sorted({re.sub(r"--cores (\d+|all)", "--cores 1", command) for command in found})


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory):
    """The finished study with what the commands name: reference results, own files."""
    scratch = finished.copy(tmp_path_factory.mktemp("documentation") / "project")
    shutil.copytree(ROOT / "results/reference", scratch.folder / "results/reference")
    # Where pages are written.
    (scratch.folder / "docs").mkdir(exist_ok=True)
    (own,) = [block for page in PAGES for block in blocks(page) if "# my_study.yaml" in block.text]
    (scratch.folder / "my_study.yaml").write_text(own.text)
    write_own_arrays(scratch.folder)
    return scratch


def write_own_arrays(folder):
    """Run the lines of the start page that write my_data.npz."""
    page = ROOT / "docs/getting-started.md"
    (code,) = [block.text for block in blocks(page) if block.language == "python"]
    generator = np.random.default_rng(1)
    arrays = {
        f"{axis}_{split}": generator.random((80, 3)) if axis == "x" else np.arange(80) % 4
        for axis in "xy"
        for split in ("train", "test")
    }
    with contextlib.chdir(folder):
        exec(code, dict(arrays))


def call(project, command, *more):
    """Run a command in the project as its reader would in the environment."""
    words = shlex.split(command)
    if words[0] == "ewc-lambda":
        # An installed one may be another checkout's.
        words[:1] = [sys.executable, "-m", "ewc_lambda"]
    if words[0] == "snakemake":
        words, more = forked([*words[1:], *more], project.environment), ()
    if words[0] == "make":
        # What the environment is made of may be newer than the programs in it.
        installed = [str(BIN / "snakemake"), str(BIN / "pytest")]
        words += [f"VENV={BIN.parent}", "CORES=1", *(w for p in installed for w in ("-o", p))]
    done = subprocess.run(
        [*words, *more],
        cwd=project.folder,
        env={**os.environ, **project.environment, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    return done.returncode, done.stdout, done.stdout + done.stderr


def test_every_command_is_run_or_says_why_not():
    assert len(FOUND) > 30
    assert [command for command in FOUND if how(command) is None] == []
    used = {next(start for start in HOW if re.match(start, command)) for command in FOUND}
    assert set(HOW) == used


@pytest.mark.parametrize("command", of("run"))
def test_a_command_runs(project, command):
    status, _, text = call(project, command)
    assert status == 0, text
    assert "Traceback" not in text


@pytest.mark.parametrize("command", of("plan"))
def test_a_command_makes_a_plan(project, command):
    status, _, text = call(project, command, "-n")
    assert status == 0, text
    assert "Traceback" not in text


def test_the_tests_that_are_named_exist(request):
    named = [shlex.split(command) for command in of("collect")]
    known = [item.nodeid for item in request.session.items]
    # Of what this run of the tests has left out.
    others = [words for words in named if not found(words, known)]
    known = collected({words[1] for words in others}) if others else []
    for words in others:
        assert found(words, known), words


def found(words, tests):
    """The tests that a command of pytest names."""
    name = words[words.index("-k") + 1] if "-k" in words else ""
    return [test for test in tests if test.startswith(words[1]) and name in test]


def collected(files):
    """The tests of files, by pytest."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


def test_the_rule_graph_is_the_one_that_snakemake_draws(tmp_path):
    scratch = with_figures(Scratch.create(tmp_path / "project"))
    status, drawn, text = call(scratch, "snakemake --rulegraph mermaid-js")
    assert status == 0, text
    drawings = [b.text for b in blocks(ROOT / "docs/how-it-works.md") if b.language == "mermaid"]
    (shown,) = [text for text in drawings if text.startswith("flowchart")]
    assert graph(shown) == graph(drawn)


def graph(text):
    """Edges of a Mermaid flow chart, by the names of the rules."""
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", text, re.MULTILINE))
    return {(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", text)}


def test_no_link_is_broken():
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in PAGES
        for link in links(page)
        if not (page.parent / link).exists()
    ]
    assert broken == []


EXAMPLES = [
    block for page in PAGES for block in blocks(page) if block.language == "yaml" and block.text
]


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.page)
def test_an_example_of_a_config_is_a_valid_one(block, monkeypatch):
    monkeypatch.chdir(ROOT)
    resolve(yaml.safe_load(block.text))


def test_the_python_of_the_results_page_runs(project):
    page = ROOT / "docs/reading-the-results.md"
    (code,) = [block.text for block in blocks(page) if block.language == "python"]
    status, shown, text = call(project, f"{sys.executable} -c {shlex.quote(code)}")
    assert status == 0, text
    assert "trial  lambda" in shown


def test_the_page_on_sweeps_prints_what_it_shows(tmp_path):
    """Its table, its command, the study file it names, and its Python, in the order of the page."""
    (tmp_path / "results").symlink_to(ROOT / "results")
    page = blocks(ROOT / "docs/your-sweep.md")
    make, use = (block.text for block in page if block.language == "python")
    answer, _ = (block.text for block in page if block.language == "text")
    (tmp_path / "own").mkdir()

    def run(*words):
        library = {"PYTHONPATH": str(ROOT / "workflow/scripts")}
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env={**os.environ, **library},
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("-c", make)
    own = ("--results", "own")
    printed = run("-m", "ewc_lambda", "analyse", "sweep.csv", *own)
    assert printed.replace("own/", "results/") == answer
    assert answer.startswith(run("-m", "ewc_lambda", "summary", "own/sweep/study.h5"))
    assert run("-c", use) == "347 (253 to 447)\n"
    unpaired = run("-m", "ewc_lambda", "analyse", "sweep.csv", "--unpaired", *own)
    assert "95% interval 121 to 808" in unpaired
    with (tmp_path / "sweep.csv").open() as file:
        rows = [line.rstrip() for line in file]
    methods = [f"{row},{name}" for name in "ab" for row in rows[1:]]
    (tmp_path / "sweep.csv").write_text("\n".join([f"{rows[0]},method", *methods]))
    run("-m", "ewc_lambda", "analyse", "sweep.csv", "--group", "method", *own)
    assert (tmp_path / "own/sweep/figures/importance.png").is_file()


def test_the_python_of_its_page_prints_what_the_page_shows(monkeypatch):
    """Each example in the order of the page, as one program; its output stands below it."""
    monkeypatch.chdir(ROOT)
    examples = [b for b in blocks(ROOT / "docs/python.md") if b.language in ("python", "text")]
    assert [block.language for block in examples] == ["python", "text"] * (len(examples) // 2)
    assert len(examples) > 10
    known: dict[str, object] = {}
    for code, shown in zip(examples[::2], examples[1::2], strict=True):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code.text, known)
        assert printed.getvalue() == shown.text


def test_the_npz_of_the_start_page_is_read_by_its_command(project):
    page = ROOT / "docs/getting-started.md"
    (command,) = [c for c in commands(page) if "npz_file=my_data.npz" in c]
    # Reading the file is what is new; training goes on as with any data.
    status, _, text = call(project, command, "--until", "prepare_data")
    assert status == 0, text
    assert (project.folder / "results/mine/data.h5").exists()
