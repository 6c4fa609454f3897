"""The beginning of a run's warm starts, and what its benchmark files say of them."""

import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.benchmark import BenchmarkRecord, benchmarked
from warm import environment, helper_in, of_one_thread, through

from ewc_lambda.jobs.warm import starts
from ewc_lambda.jobs.warm.usage import Usage, add_usage
from ewc_lambda.store.code import SCRIPTS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts are Linux's")

OURS = SCRIPTS / "make_grid.py"


class Script:
    """What Snakemake makes of a rule's script, as far as warm starts see it."""

    conda_env = container_img = env_modules = bench_record = None

    def __init__(self, path, **own):
        self.__dict__.update(own)
        self.path = SimpleNamespace(get_path_or_uri=lambda secret_free: str(path))

    def _execute_cmd(self, cmd, **given):
        self.command = cmd.format(**given)


def test_only_scripts_of_this_workflow_are_started_through_a_client(tmp_path):
    execute = starts.through_client(Script._execute_cmd, tmp_path)
    given = {"py_exec": "python", "fname": "a.make_grid.py", "is_python_script": True}
    cases = {
        Script(OURS): True,
        Script("elsewhere/make_grid.py"): False,
        Script(OURS, conda_env="env"): False,
        Script(OURS, container_img="image"): False,
        Script(OURS, env_modules="modules"): False,
    }
    for script, through_client in cases.items():
        execute(script, "{py_exec} {fname}", **given)
        assert ("client.py" in script.command) is through_client
        assert script.command.endswith("python a.make_grid.py")
    other = Script(OURS)
    execute(other, "{py_exec}", py_exec="python")
    assert other.command == "python"


@pytest.fixture
def began(monkeypatch):
    """Begins warm starts for a class of scripts; they end with the test."""
    ends, said = [], []
    monkeypatch.setattr(starts.atexit, "register", lambda *call: ends.append(call))

    def begin():
        scripts = type("PythonScript", (Script,), {})
        starts.begin_warm_starts(scripts, said.append)
        return scripts, said

    yield begin
    for end, *arguments in ends:
        end(*arguments)


def test_a_run_begins_with_a_helper_in_a_private_folder(began, tmp_path, monkeypatch):
    monkeypatch.setattr(starts.tempfile, "tempdir", str(tmp_path))
    scripts, said = began()
    assert not said
    assert scripts._execute_cmd is not Script._execute_cmd
    (folder,) = tmp_path.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_switch_is_documented_and_switches(began, tmp_path, monkeypatch):
    monkeypatch.setattr(starts.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv(starts.SWITCH, "0")
    scripts, said = began()
    assert not said
    assert scripts._execute_cmd is Script._execute_cmd
    assert not list(tmp_path.iterdir())
    page = Path(__file__).parents[3] / "docs/how-it-works.md"
    assert f"{starts.SWITCH}=0" in page.read_text()


def no_socket(monkeypatch, folder):
    deep = folder / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(starts.tempfile, "tempdir", str(deep))


def no_process(monkeypatch, folder):
    def refuse(*_, **__):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(starts.subprocess, "Popen", refuse)


def no_folder(monkeypatch, folder):
    monkeypatch.setattr(starts.tempfile, "tempdir", str(folder / "nowhere"))


def another_system(monkeypatch, folder):
    monkeypatch.setattr(starts.sys, "platform", "darwin")


def another_snakemake(monkeypatch, folder):
    monkeypatch.delattr(Script, "_execute_cmd")


@pytest.mark.parametrize(
    "because", [no_socket, no_process, no_folder, another_system, another_snakemake]
)
def test_a_run_goes_on_without_a_helper_with_one_line(began, tmp_path, monkeypatch, because):
    monkeypatch.setattr(starts.tempfile, "tempdir", str(tmp_path))
    before = vars(Script).get("_execute_cmd")
    because(monkeypatch, tmp_path)
    scripts, said = began()
    (line,) = said
    assert line.startswith("Each job imports the library by itself")
    assert "\n" not in line
    if because is not another_snakemake:
        assert scripts._execute_cmd is before
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith("ewc-lambda-")]


# Half a second of one core, and 64 MiB that are written to.
WORK = """
import time
held = bytearray(2**26)
while time.process_time() < HALF:
    pass
open("written", "wb").write(held)
"""


def test_a_benchmark_file_counts_what_the_job_used(tmp_path, monkeypatch):
    """What Snakemake's own way says of the same work without a helper, but for the imports."""
    monkeypatch.chdir(tmp_path)
    folder, script = tmp_path / "helper", tmp_path / "a.make_grid.py"
    script.write_text("import time\nHALF = time.process_time() + 0.5\n" + WORK)

    def measured(command):
        record = BenchmarkRecord()
        process = subprocess.Popen(command, env=of_one_thread(environment()))
        with benchmarked(process.pid, record):
            assert process.wait() == 0
        return record

    own = measured([sys.executable, str(script)])
    with helper_in(folder):
        measured(through(folder, script))
        (folder / script.name).unlink()
        record = measured(through(folder, script))
        assert record.cpu_time < 0.3
        add_usage(record, folder / script.name)
        assert not (folder / script.name).exists()
    assert 0.5 <= record.cpu_time < 0.8
    assert record.mean_load() == pytest.approx(100 * record.cpu_time / record.running_time, abs=25)
    assert record.max_rss >= 64
    assert record.max_rss <= record.max_vms
    assert 60 <= record.max_uss <= record.max_rss
    assert record.max_uss <= record.max_pss <= record.max_rss
    assert record.data_collected
    values = record.get_benchmarks()
    assert "NA" not in values
    assert own.max_uss >= 60


def test_a_job_that_left_no_usage_leaves_the_record_as_it_is(tmp_path):
    record = BenchmarkRecord()
    before = dict(vars(record))
    add_usage(record, tmp_path / "nothing")
    assert vars(record) == before


def test_peaks_are_those_of_all_samples(tmp_path):
    usage = Usage()
    held = bytearray(2**26)
    for page in range(0, len(held), 4096):
        held[page] = 1
    usage.sample()
    with_it = usage._peaks["max_uss"]
    del held
    usage.sample()
    assert usage._peaks["max_uss"] == with_it
    fresh = Usage()
    fresh.sample()
    assert fresh._peaks["max_uss"] <= with_it - 50


def test_samples_are_as_far_apart_as_snakemake_takes_them():
    from snakemake.benchmark import BENCHMARK_INTERVAL, BENCHMARK_INTERVAL_SHORT

    pauses = Usage().pauses()
    first = [next(pauses) for _ in range(BENCHMARK_INTERVAL)]
    assert set(first) == {BENCHMARK_INTERVAL_SHORT}
    assert next(pauses) == BENCHMARK_INTERVAL


def test_two_runs_at_a_time_have_helpers_of_their_own(began, tmp_path, monkeypatch):
    monkeypatch.setattr(starts.tempfile, "tempdir", str(tmp_path))
    began()
    began()
    assert len(list(tmp_path.iterdir())) == 2
