"""A study through a real SLURM with two nodes, undisturbed and disturbed: always the bytes of the
run on two local cores.
"""

import os
import signal
import subprocess
import time

import psutil
import pytest
from scratch import trained

STEP = "Trial 0, fisher, round 0: train lambda step 1"


def start_step(project, cluster):
    """Start a run and wait for its step to train; the run and the SLURM job."""
    run = project.start()
    assert run.watch(lambda: bool(cluster.running()) and bool(training(project))), run.wait().text
    return run, cluster.running()[0]


def training(project):
    """Processes that train in this project, whoever started them."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if f"{project.folder}/.snakemake/scripts" in command and "train_step" in command:
            found.append(process)
    return found


def check(project, finished, before, times=1):
    assert project.digest() == finished.digest()
    assert not project.leftovers()
    assert trained(project.finished() - before) == [STEP] * times


def state(cluster, job):
    return next(entry["JobState"] for entry in cluster.jobs() if entry["JobId"] == job)


@pytest.mark.parametrize("steps_per_job", [1, 4])
def test_study_on_two_nodes(fresh, finished, cluster, tmp_path, steps_per_job):
    """With as many steps in a job, since stacked lambdas round otherwise than each alone: the
    profile's 4, and 1.
    """
    local = finished
    if steps_per_job > 1:
        local = finished.blank(tmp_path / "local")
        local.configure(steps_per_job=steps_per_job)
        local.finish()
    else:
        fresh.arguments += ["--config", "steps_per_job=1"]
    fresh.finish()
    assert fresh.digest() == local.digest()
    nodes = {entry["NodeList"] for entry in cluster.jobs()}
    assert {"n1", "n2"} <= nodes


def test_scancel_of_a_running_step(project, finished, cluster):
    before = project.finished()
    run, job = start_step(project, cluster)
    cluster.call("scancel", job)
    done = run.wait()
    assert done.status == 0, done.text
    assert state(cluster, job) == "CANCELLED"
    check(project, finished, before)


def test_step_over_its_time_limit(project, finished, cluster):
    """A job that hangs is ended by its limit; the next attempt asks for more."""
    project.arguments += ["--set-resources", "train_step:runtime=1*attempt"]
    before = project.finished()
    run, job = start_step(project, cluster)
    for process in training(project):
        process.suspend()
    done = run.wait()
    assert done.status == 0, done.text
    assert state(cluster, job) == "TIMEOUT"
    limits = [entry["TimeLimit"] for entry in cluster.jobs() if int(entry["JobId"]) >= int(job)]
    assert limits == ["00:01:00", "00:02:00"]
    check(project, finished, before)


def test_step_over_its_memory(project, finished, cluster):
    """The first attempt asks for less than Python and torch need."""
    project.arguments += ["--set-resources", "train_step:mem_mb=250*2**(attempt-1)**2"]
    before = project.finished()
    first = len(cluster.jobs())
    done = project.run()
    assert done.status == 0, done.text
    asked = [entry["MinMemoryNode"] for entry in cluster.jobs()[first:]]
    assert asked[:2] == ["250M", "500M"], asked
    check(project, finished, before)


def test_node_down_in_mid_job(project, finished, cluster):
    before = project.finished()
    run, job = start_step(project, cluster)
    node = next(entry["NodeList"] for entry in cluster.jobs() if entry["JobId"] == job)
    cluster.call("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    try:
        done = run.wait()
    finally:
        # A node that answers again may have been taken back already.
        if "down" in cluster.call("sinfo", "-h", "-n", node, "-o", "%T"):
            cluster.call("scontrol", "update", f"nodename={node}", "state=resume")
    assert done.status == 0, done.text
    assert state(cluster, job) == "NODE_FAIL"
    check(project, finished, before)


def test_controller_stopped_for_a_while(project, finished, cluster):
    before = project.finished()
    run, _ = start_step(project, cluster)
    pid = int((cluster.folder / "run/slurmctld.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    time.sleep(15)
    env = {**os.environ, **cluster.environment}
    subprocess.run(["slurmctld"], env=env, check=True)
    done = run.wait()
    assert done.status == 0, done.text
    check(project, finished, before)


def test_snakemake_killed_and_started_beside_its_jobs(project, finished, cluster):
    """The step's file is whole and the same, whether the new run takes over the SLURM job of the
    old one or submits another beside it.
    """
    before = project.finished()
    run, job = start_step(project, cluster)
    run.process.kill()
    run.wait()
    project.unlock()
    beside = project.start()
    beside.watch(lambda: len(cluster.running()) == 2 or state(cluster, job) != "RUNNING")
    done = beside.wait()
    assert done.status == 0, done.text
    assert project.digest() == finished.digest()
    assert not project.leftovers()
    assert trained(project.finished() - before) in ([], [STEP])
