"""Jobs that are forked from a helper do what they would do by themselves, and end as they would."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from warm import (
    FORKED,
    by_itself,
    environment,
    hears,
    helper_in,
    of_one_thread,
    run,
    runs,
    soon,
    start,
    through,
)

from ewc_lambda.jobs.warm import client
from ewc_lambda.jobs.warm.starts import without_ctrl_c

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts are Linux's")

SCRIPTS_OF_ALL_KINDS = {
    "nothing": "",
    "both streams": "import sys; print('out'); print('err', file=sys.stderr)",
    "streams below Python": "import os; os.write(1, b'out'); os.write(2, b'err')",
    "input": "import sys; print(sys.stdin.read().upper())",
    "a code": "import sys; sys.exit(3)",
    "a large code": "import sys; sys.exit(259)",
    "no code": "import sys; sys.exit(None)",
    "a message": "import sys; sys.exit('train_step: there is no data')",
    "no program": "this is no Python",
    "a fault": "def work():\n    raise ValueError('of its own')\n\n\nwork()",
    "a chain of faults": "try:\n    1 / 0\nexcept Exception as e:\n    raise OSError(5, '') from e",
    "at its end": "import atexit; atexit.register(print, 'end')",
    "a thread": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()",
    "a pool of threads": "from concurrent.futures import ThreadPoolExecutor\n"
    "print(ThreadPoolExecutor(1).submit(len, 'ab').result())\n"
    "pool = ThreadPoolExecutor(1)\npool.submit(print, 'pool')",
    "at once": "import os; os._exit(7)",
    "folder": "import os; print(os.getcwd())",
    "rights": "import os; print(oct(os.umask(0)))",
    "environment": "import os; print(sorted(os.environ.items()))",
    "arguments": "import sys; print(sys.argv, __name__, __file__, sys.path[0])",
    "main module": "import sys; print(sys.modules['__main__'].__dict__ is globals())",
    "temporary files": "import tempfile; print(tempfile.gettempdir())",
    "garbage": "import gc; print(gc.isenabled())",
    "no threads yet": "import threading; print(threading.current_thread().name)",
}


@pytest.mark.parametrize("kind", SCRIPTS_OF_ALL_KINDS)
def test_a_job_says_and_ends_as_by_itself(folder, job, tmp_path, monkeypatch, kind):
    script = job(SCRIPTS_OF_ALL_KINDS[kind])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = os.umask(0o027)
    try:
        assert run(through(folder, script), "given") == run(by_itself(script), "given")
    finally:
        os.umask(before)


def test_a_job_is_forked_from_the_helper(folder, job):
    assert run(through(folder, job(FORKED)))[0] == 0
    assert run(by_itself(job(FORKED)))[0] == 1


def test_what_a_script_imports_is_there_when_it_begins(folder, job):
    script = job("import sys; sys.exit('ewc_lambda.search.rounds' not in sys.modules)")
    assert run(through(folder, script))[0] == 0
    assert run(by_itself(script))[0] == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_job_that_a_signal_ends_has_the_code_that_a_shell_gives_it(folder, job, number):
    script = job(f"import os; os.kill(os.getpid(), {int(number)})")
    assert run(by_itself(script))[0] == -number
    assert run(through(folder, script))[0] == 128 + number


def test_jobs_draw_no_random_numbers_that_others_draw(folder, job):
    script = job(
        "import random, tempfile, numpy\n"
        "print(random.random(), numpy.random.random(), next(tempfile._get_candidate_names()))"
    )
    _, first, _ = run(through(folder, script))
    _, second, _ = run(through(folder, script))
    assert not set(first.split()) & set(second.split())


ENDLESS = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_job_ends_with_its_client(folder, job, number):
    client_ = start(through(folder, job(ENDLESS)))
    child = int(client_.stdout.readline())
    assert child != client_.pid
    client_.send_signal(number)
    assert soon(lambda: not runs(child), 20)
    client_.communicate()
    assert client_.returncode in (-number, 128 + number)


def test_a_job_ends_with_a_client_that_has_not_read_that_it_runs(folder, job):
    """Where something is unread, a connection is not closed but reset."""
    asks = (
        "import os, socket, sys\n"
        "from ewc_lambda.jobs.warm import client\n"
        "connection = socket.socket(socket.AF_UNIX)\n"
        "connection.connect(sys.argv[1])\n"
        "client._send(connection, 'make_grid', [sys.argv[2]])\n"
        "sys.stdin.read()"
    )
    asking = start([sys.executable, "-c", asks, str(folder / "socket"), str(job(ENDLESS))])
    child = int(asking.stdout.readline())
    asking.stdin.close()
    asking.wait()
    assert soon(lambda: not runs(child), 20)
    asking.stdout.close()
    asking.stderr.close()


def test_a_job_that_computes_ends_with_its_client(folder, job):
    """One that holds the interpreter for as long as it can."""
    busy = job("import os\nprint(os.getpid(), flush=True)\nwhile True:\n    sum(range(10**6))")
    client_ = start(through(folder, busy))
    child = int(client_.stdout.readline())
    client_.kill()
    assert soon(lambda: not runs(child), 20)
    client_.communicate()


def test_ctrl_c_is_heard_once(folder, job):
    """It goes to the job and to its client, which hands it on."""
    script = job(
        "import os, time\n"
        "try:\n    print(os.getpid(), flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.5)\n    print('one', flush=True)\n    raise"
    )
    client_ = start(through(folder, script))
    child = int(client_.stdout.readline())
    assert soon(lambda: hears(client_.pid, signal.SIGINT), 20)
    os.kill(child, signal.SIGINT)
    client_.send_signal(signal.SIGINT)
    output, errors = client_.communicate()
    assert output == "one\n"
    assert errors == ""
    assert client_.returncode == 130


def test_ctrl_c_while_a_client_begins_ends_it_without_a_word(folder, job):
    """A Python that hears it while it begins ends with a fatal error and a traceback."""
    endless = job(ENDLESS)
    for moment in range(60):
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        with without_ctrl_c():
            client_ = start(through(folder, endless))
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == heard
        time.sleep(moment / 2000)
        client_.send_signal(signal.SIGINT)
        _, errors = client_.communicate(timeout=20)
        assert errors == ""
        assert client_.returncode in (-signal.SIGINT, 128 + signal.SIGINT)


def test_ctrl_c_that_whoever_started_the_run_ignores_is_ignored(tmp_path, job):
    """As by a shell in the background."""
    script = job("import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)")
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with helper_in(tmp_path / "helper"):
            assert run(through(tmp_path / "helper", script))[1] == "True\n"
            assert run(by_itself(script))[1] == "True\n"
    finally:
        signal.signal(signal.SIGINT, heard)


def test_without_a_helper_a_job_starts_by_itself(tmp_path, job):
    folder = tmp_path / "helper"
    with helper_in(folder) as helper:
        helper.kill()
        helper.wait()
        status, output, errors = run(through(folder, job("import os; print(os.getpid())")))
    assert (status, errors) == (0, "")
    assert int(output)


def test_a_job_that_runs_outlives_its_helper(tmp_path, job):
    folder = tmp_path / "helper"
    with helper_in(folder) as helper:
        script = job("print('begun', flush=True)\nprint(input())")
        client_ = start(through(folder, script))
        assert client_.stdout.readline() == "begun\n"
        helper.kill()
        helper.wait()
        output, _ = client_.communicate("ended\n")
    assert (output, client_.returncode) == ("ended\n", 0)


def test_when_snakemake_is_gone_nothing_is_left(tmp_path, job):
    folder = tmp_path / "helper"
    with helper_in(folder) as helper:
        client_ = start(through(folder, job(ENDLESS)))
        child = int(client_.stdout.readline())
        helper.stdin.close()
        assert soon(lambda: not runs(child) and client_.poll() is not None, 20)
        assert client_.returncode == 128 + signal.SIGKILL
        assert helper.wait(5) == 0
        assert not folder.exists()
        client_.communicate()
        # One that comes late starts nothing that nobody waits for.
        status, output, _ = run(through(folder, job("print('started')")))
    assert (status, output) == (1, "")


def test_a_helper_that_does_not_answer_is_given_up(tmp_path, job):
    """Its client goes on without it, and the job runs once."""
    folder = tmp_path / "helper"
    text = Path(client.__file__).read_text().replace("PATIENCE = 300", "PATIENCE = 0.5")
    (tmp_path / "client.py").write_text(text)
    script = job(f"import os; os.open({str(tmp_path / 'ran')!r}, os.O_CREAT | os.O_EXCL)")
    with helper_in(folder) as helper:
        os.kill(helper.pid, signal.SIGSTOP)
        # No pipes: their ends wait in the socket, for a helper that may go on one day.
        command = through(folder, script, client=tmp_path / "client.py")
        assert subprocess.run(command, env=of_one_thread(environment()), timeout=60).returncode == 0
        os.kill(helper.pid, signal.SIGCONT)
        # What it finds now is a client that is gone; the next is served.
        assert run(through(folder, job(FORKED)))[0] == 0
    assert (tmp_path / "ran").exists()
