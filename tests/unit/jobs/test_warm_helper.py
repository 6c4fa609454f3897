"""What a helper serves, what it refuses, and what is no end of it."""

import ast
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest
from warm import FORKED, helper_in, run, through

from ewc_lambda.jobs.warm import client, helper
from ewc_lambda.jobs.warm.helper import code_of, of_all_jobs
from ewc_lambda.store.code import SCRIPTS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts are Linux's")


def test_another_environment_is_refused_with_one_line(folder, job, monkeypatch):
    script = job("import os; print(os.environ.get('MKL_CBWR'))")
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    status, output, errors = run(through(folder, script))
    assert (status, output) == (0, "COMPATIBLE\n")
    assert errors == "make_grid: starts by itself: other environment variables (MKL_CBWR)\n"


def test_what_a_shell_sets_for_each_job_is_no_other_environment():
    given = {b"PWD": b"/", b"PS1": b"> ", b"TMPDIR": b"/tmp", b"SHLVL": b"1", b"HOME": b"/"}
    assert of_all_jobs(given) == {b"HOME": b"/"}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A copy of the library, whose code a test may change."""
    copy = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(copy))
    return copy


def test_a_child_imports_nothing_that_every_job_imports(folder, job):
    text = """import sys
before = set(sys.modules)
import pickle, snakemake.logging, snakemake.iocontainers, make_grid
print(sorted(set(sys.modules) - before))
"""
    assert run(through(folder, job(text))) == (0, "[]\n", "")


ENDS = """
import atexit, pathlib, shutil, tempfile, weakref
class Held: pass
{0} = Held()
weakref.finalize({0}, pathlib.Path("{0} has ended").touch)
{0}_folder = tempfile.mkdtemp(dir=".")
atexit.register(shutil.rmtree, {0}_folder)
"""


def test_a_child_ends_what_it_began_and_the_helper_what_was_imported(
    tmp_path, checkout, job, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    module = checkout / "make_grid.py"
    module.write_text(ENDS.format("imported") + module.read_text())
    script = job("import make_grid\n" + ENDS.format("own"))
    with helper_in(tmp_path / "helper"):
        for _ in range(2):
            assert run(through(tmp_path / "helper", script)) == (0, "", "")
        assert len(list(tmp_path.glob("tmp*/"))) == 1, "the folder that an import made"
        assert [path.name for path in tmp_path.glob("* has ended")] == ["own has ended"]
    assert list(tmp_path.glob("tmp*/")) == []
    assert (tmp_path / "imported has ended").exists()


def test_a_thread_that_ends_with_the_imports_is_no_reason_to_refuse(tmp_path, checkout, job):
    module = checkout / "make_grid.py"
    watched = "import threading\ntimer = threading.Timer(9, print)\ntimer.start()\ntimer.cancel()\n"
    module.write_text(watched + module.read_text())
    with helper_in(tmp_path / "helper"):
        for _ in range(5):
            assert run(through(tmp_path / "helper", job(FORKED))) == (0, "", "")


def test_what_is_imported_late_is_that_of_scripts(folder, job, tmp_path):
    assert all((SCRIPTS / f"{script}.py").is_file() for script in helper.LATE)
    text = f"""import sys
before = set(sys.modules)
from matplotlib.figure import Figure
for kind in ("png", "svg"):
    Figure(layout="constrained").savefig("{tmp_path}/figure." + kind)
print([name for name in set(sys.modules) - before if name.startswith("matplotlib.backends")])
"""
    command = through(folder, job(text, "tmp1.draw_figure.py"))
    command[command.index("make_grid")] = "draw_figure"
    assert run(command) == (0, "[]\n", "")


def test_changed_code_is_refused_and_served_again_when_it_is_as_before(tmp_path, checkout, job):
    folder, module = tmp_path / "helper", checkout / "ewc_lambda/search/rounds.py"
    script = job("import ewc_lambda.search.rounds as r; print(getattr(r, 'MORE', 0))")
    before = module.read_text()
    with helper_in(folder):
        assert run(through(folder, script)) == (0, "0\n", "")
        module.write_text(before + "MORE = 1\n")
        status, output, errors = run(through(folder, script))
        assert (status, output) == (0, "1\n")
        assert "the code changed since the run began" in errors
        module.write_text(before)
        assert run(through(folder, job(FORKED)))[0] == 0


def test_code_that_changes_while_it_is_imported_serves_nobody(tmp_path, checkout, job):
    module = checkout / "make_grid.py"
    before = module.read_text()
    # The module itself stands for whoever edits it at that moment.
    module.write_text(f"from pathlib import Path\nPath(__file__).write_text({before!r})\n")
    with helper_in(tmp_path / "helper"):
        _, _, errors = run(through(tmp_path / "helper", job("")))
        assert "the code changed since the run began" in errors
        status, _, errors = run(through(tmp_path / "helper", job(FORKED)))
        assert status == 1
        assert "the code changed since the run began" in errors


@pytest.mark.parametrize(
    ("text", "because"),
    [
        (
            "import threading\nthreading.Timer(9, print).start()",
            "a thread",
        ),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_modules_that_cannot_be_imported_before_a_fork(tmp_path, checkout, job, text, because):
    (checkout / "make_grid.py").write_text(text + "\n")
    with helper_in(tmp_path / "helper") as helper:
        status, _, errors = run(through(tmp_path / "helper", job(FORKED)))
        helper.kill()
    assert status == 1
    assert because in errors


def test_code_of_a_folder_is_of_names_and_bytes(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/a.py").write_text("1")
    (tmp_path / "b.txt").write_text("1")
    first = code_of(tmp_path)
    (tmp_path / "b.txt").write_text("2")
    assert code_of(tmp_path) == first
    (tmp_path / "inner/a.py").write_text("2")
    second = code_of(tmp_path)
    (tmp_path / "inner/a.py").rename(tmp_path / "a.py")
    assert len({first, second, code_of(tmp_path)}) == 3


@pytest.mark.parametrize("sent", [b"", b"\0" * 8, b"\0" * 7 + b"\x05nonsense", b"\xff" * 40])
def test_nonsense_is_no_end_of_a_helper(folder, job, sent):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "socket"))
        connection.sendall(sent)
    assert run(through(folder, job(FORKED)))[0] == 0


def test_the_other_end_of_a_socket_is_known_by_its_user():
    ends = socket.socketpair()
    assert client.peer_of(ends[0]) == os.getuid()
    for end in ends:
        end.close()


def test_the_client_imports_what_takes_no_time():
    imported = set()
    for node in ast.walk(ast.parse(Path(client.__file__).read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    assert imported == {"__future__", "marshal", "os", "signal", "socket", "struct", "sys"}


def test_ctrl_c_before_a_script_begins_ends_the_job_as_after_it(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(helper, "run_child", interrupted)
    ends = socket.socketpair()
    with socket.socket(socket.AF_UNIX) as listener, ends[0], ends[1]:
        listener.bind(str(tmp_path / "socket"))
        forking = helper.Helper(listener, signal.default_int_handler)
        assert forking._fork(ends[0], {}, []) == ""
        ((child, held),) = forking._children.items()
        held.close()
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGINT
