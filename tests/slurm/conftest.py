"""A throw-away SLURM for the whole session, and a small study to run on it."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from scratch import Scratch

HERE = Path(__file__).parent
NEEDED = ("munged", "slurmctld", "slurmd", "srun")
PORT = os.environ.get("SLURM_TEST_PORT", "16900")
# What the profile leaves to the user, and polling for jobs that take seconds.
ARGUMENTS = [
    "--profile",
    "profiles/slurm",
    "--slurm-init-seconds-before-status-checks",
    "3",
    "--latency-wait",
    "15",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "slurm" in item.path.parts:
            item.add_marker(pytest.mark.slurm)


class Cluster:
    """A running throw-away cluster of two nodes."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {
            "SLURM_CONF": str(folder / "etc/slurm.conf"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin",
        }

    def call(self, *command):
        """Run one of SLURM's commands and return what it prints."""
        env = {**os.environ, **self.environment}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return done.stdout

    def running(self, name="train_step"):
        """Ids of the running jobs of a rule, as the plugin's comment names it."""
        lines = self.call("squeue", "-h", "-t", "R", "-o", "%A %k").splitlines()
        return [line.split()[0] for line in lines if name in line]

    def jobs(self):
        """All jobs so far, each a dictionary of what `scontrol` shows."""
        text = self.call("scontrol", "show", "jobs", "--oneliner")
        return [
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in text.splitlines()
            if line.startswith("JobId=")
        ]


@pytest.fixture(scope="session")
def cluster():
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"SLURM IS NOT TESTED: {', '.join(missing)} not installed (make test-slurm)")
    try:
        import snakemake_executor_plugin_slurm  # noqa: F401
    except ImportError:
        pytest.skip("SLURM IS NOT TESTED: no snakemake-executor-plugin-slurm (make test-slurm)")
    # Sockets need a short path, and jobs a folder that does not go when pytest tidies up.
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    env = {**os.environ, "PORT": PORT}
    up = subprocess.run([HERE / "slurm-up.sh", folder], env=env, stderr=subprocess.PIPE, text=True)
    if up.returncode != 0:
        subprocess.run([HERE / "slurm-down.sh", folder, "--remove"])
        pytest.skip(f"SLURM IS NOT TESTED: no cluster can be started here: {up.stderr}")
    yield Cluster(folder)
    subprocess.run([HERE / "slurm-down.sh", folder, "--remove"], check=True)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The small study, run on two local cores without a disturbance."""
    scratch = Scratch.create(tmp_path_factory.mktemp("finished") / "project")
    scratch.finish()
    return scratch


def on_cluster(scratch, cluster, *arguments):
    """Let a project's runs go through the cluster."""
    python = Path(sys.executable).parent
    path = f"{cluster.folder / 'bin'}:{python}:{os.environ['PATH']}"
    scratch.environment |= {**cluster.environment, "PATH": path}
    scratch.arguments = [*ARGUMENTS, *arguments]
    return scratch


@pytest.fixture
def fresh(finished, cluster, tmp_path):
    """The project before anything was run."""
    yield on_cluster(finished.blank(tmp_path / "project"), cluster)
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def project(finished, cluster, tmp_path):
    """The finished project without one step and what follows from it, to be made on SLURM."""
    scratch = finished.copy(tmp_path / "project")
    for name in ("round_0/step_1.h5", "round_0/step_1.safetensors", "round_0/decision.json"):
        (scratch.search / name).unlink()
    (scratch.search / "search.h5").unlink()
    (scratch.study / "study.h5").unlink()
    # One rule instance per step, as in the study that was copied.
    yield on_cluster(scratch, cluster, "--config", "steps_per_job=1")
    shutil.rmtree(tmp_path, ignore_errors=True)
