"""Warm starts are disturbed: the study ends in the bytes of jobs that start by themselves."""

import random
import signal

import psutil
import pytest
from scratch import SEED, TRIES, trained
from warm import soon

from ewc_lambda.jobs.warm.starts import SWITCH

pytestmark = pytest.mark.timeout(300 + 60 * TRIES)


@pytest.fixture
def fresh(fresh):
    """A project whose jobs are forked from a helper, whatever the suite is run with."""
    fresh.environment[SWITCH] = "1"
    return fresh


def helpers(run):
    """The helper of a run, and the children that it forked."""
    try:
        below = psutil.Process(run.process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [process for process in below if is_forked(process)]


def is_forked(process):
    """Whether this is a helper or a child of one: false for one that has ended meanwhile."""
    try:
        return any("warm.helper" in part for part in process.cmdline())
    except psutil.NoSuchProcess:
        return False


def kill_children(run):
    """Kill what a helper has forked, but not the helper; the number of processes that were hit."""
    found = helpers(run)
    ids = {process.pid for process in found}
    hit = 0
    for process in found:
        try:
            if process.ppid() in ids:
                process.kill()
                hit += 1
        except psutil.NoSuchProcess:
            continue
    return hit


def check(disturbed, finished):
    assert disturbed.digest() == finished.digest()
    assert disturbed.finished() == finished.finished(), "a finished job was run again"
    assert not disturbed.leftovers()
    assert soon(lambda: not disturbed.processes())


def test_jobs_that_start_by_themselves_make_the_same_bytes(fresh, finished):
    fresh.environment[SWITCH] = "0"
    run = fresh.start()
    run.watch(lambda: run.scripts())
    assert not helpers(run)
    assert run.wait().status == 0
    check(fresh, finished)


def test_the_helper_is_killed(fresh, finished):
    """Jobs start by themselves: the run goes on to its end, and nobody need do anything."""
    draw = random.Random(f"{SEED} helper")
    run = fresh.start()
    run.watch(lambda: run.scripts())
    assert run.watch(lambda: helpers(run))
    ends = draw.uniform(0, finished.seconds / 2)
    soon(lambda: run.process.poll() is not None, ends)
    helpers(run)[0].kill()
    done = run.wait()
    assert done.status == 0, done.text
    check(fresh, finished)


def test_a_child_is_killed(fresh, finished):
    """As by the kernel, for its memory: its job fails, and the next run makes it."""
    run = fresh.start()
    hit = 0

    def hit_more():
        # One that is hit when its job has ended means nothing: the next one is hit, too.
        nonlocal hit
        hit += kill_children(run)
        return False

    run.watch(hit_more)
    done = run.wait()
    assert hit
    assert done.status != 0, done.text
    assert "Traceback" not in done.text
    fresh.finish()
    check(fresh, finished)


def test_a_child_that_hears_sigterm(fresh, finished):
    """As all processes of a service do when it is stopped."""
    run = fresh.start()
    assert run.watch(lambda: run.scripts() and len(helpers(run)) > 1)
    for process in helpers(run):
        process.send_signal(signal.SIGTERM)
    run.process.send_signal(signal.SIGTERM)
    run.wait()
    assert soon(lambda: not fresh.processes()), fresh.processes()
    fresh.finish()
    check(fresh, finished)


def test_code_that_changes_during_a_run(fresh, finished):
    """A comment means nothing, so the study goes on; jobs take the code that lies there."""
    run = fresh.start()
    assert run.watch(run.scripts)
    with (fresh.folder / "workflow/scripts/ewc_lambda/search/rounds.py").open("a") as file:
        file.write("# Nothing.\n")
    done = run.wait()
    assert done.status == 0, done.text
    assert "starts by itself: the code changed since the run began" in done.text
    assert trained(done.jobs) == trained(finished.finished())
    check(fresh, finished)
