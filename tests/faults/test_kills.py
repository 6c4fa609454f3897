"""Jobs and Snakemake itself are killed at random moments: the study ends in the same bytes, and
what was finished is not made again.

Each test starts one study and disturbs it until it was disturbed `TRIES` times; then it is
finished. A study that ends before that starts anew. Moments are drawn from the time that the
undisturbed study took, so that a faster machine is disturbed as often.
"""

import os
import random
import shutil
import signal
import textwrap
import time

import pytest
from scratch import SEED, TRIES, finished_jobs
from warm import soon

from ewc_lambda.jobs.warm.starts import SWITCH

# Jobs of the small study, one after another, so that a job takes about one part in so many.
JOBS = 8
# Jobs that may be running, or be started, while a signal is on its way.
RUNNING = 4

pytestmark = pytest.mark.timeout(300 + 60 * TRIES)


def check(disturbed, finished):
    assert disturbed.digest() == finished.digest()
    assert disturbed.finished() == finished.finished(), "a finished job was run again"
    assert not disturbed.leftovers()


def pause(run, seconds):
    """Wait so long, unless the run ends before; whether it still runs."""
    ends = time.monotonic() + seconds
    run.watch(lambda: time.monotonic() >= ends)
    return run.process.poll() is None


def check_nothing_runs(scratch):
    """With warm starts no process of a run outlives it by more than a moment."""
    if os.environ.get(SWITCH) != "0":
        assert soon(lambda: not scratch.processes()), scratch.processes()


def begin_anew(scratch):
    """Remove a study that ended before it was disturbed often enough."""
    for folder in (scratch.study, scratch.folder / ".snakemake"):
        for base in scratch.study.glob("trial_*/base_model.*"):
            base.chmod(0o644)
        shutil.rmtree(folder)


def test_kill_of_a_training_job(fresh, finished):
    draw = random.Random(f"{SEED} job")
    tries = 0
    while tries < TRIES:
        run = fresh.start()
        while tries < TRIES and run.watch(run.scripts):
            pause(run, draw.uniform(0, finished.seconds / JOBS))
            if running := run.scripts():
                draw.choice(running).kill()
                tries += 1
        ended = run.wait().status == 0
        check_nothing_runs(fresh)
        if ended and tries < TRIES:
            check(fresh, finished)
            begin_anew(fresh)
    fresh.finish()
    check(fresh, finished)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_signal_to_snakemake(fresh, finished, number):
    """SIGINT goes to all processes of the terminal, as Ctrl+C does; SIGTERM to Snakemake, as a
    service manager sends it. Neither leaves a lock.
    """
    draw = random.Random(f"{SEED} {number.name}")
    tries = 0
    while tries < TRIES:
        run = fresh.start()
        run.watch(lambda run=run: "Execute" in run.log())
        heard = None
        if pause(run, draw.uniform(0, finished.seconds)):
            heard = finished_jobs(run.log()).total()
            if number == signal.SIGINT:
                os.killpg(run.process.pid, number)
            else:
                run.process.send_signal(number)
            tries += 1
        done = run.wait()
        check_nothing_runs(fresh)
        if heard is not None:
            assert done.jobs.total() - heard <= RUNNING, "went on after the signal"
        if done.status == 0 and tries < TRIES:
            check(fresh, finished)
            begin_anew(fresh)
    fresh.finish()
    check(fresh, finished)


# The scheduler takes a finished job over with its lock held, in the main thread, which also hears
# signals. The first job is the one interrupted there.
SIGTERM_UNDER_THE_LOCK = """
import os, signal
finish = workflow.dag.finish
async def interrupted(job, **options):
    workflow.dag.finish = finish
    assert workflow.scheduler._lock.locked()
    os.kill(os.getpid(), signal.SIGTERM)
    await finish(job, **options)
workflow.dag.finish = interrupted
"""


def test_sigterm_while_the_scheduler_takes_a_job_over(fresh, finished):
    """No deadlock with the scheduler's lock: the run ends, and the next one goes on."""
    rules = fresh.folder / "workflow/rules/progress.smk"
    before = rules.read_text()
    at_start, also = "\nonstart:\n", textwrap.indent(SIGTERM_UNDER_THE_LOCK, "    ")
    assert before.count(at_start) == 1
    rules.write_text(before.replace(at_start, at_start + also))
    done = fresh.run()
    assert done.text.splitlines()[-1] == "interrupted; the same command goes on"
    assert 0 < done.jobs.total() <= RUNNING
    rules.write_text(before)
    fresh.finish()
    check(fresh, finished)


def check_beside(disturbed, finished, kills):
    """The check of a study whose Snakemake was killed so often. Jobs that started by themselves go
    on beside the next run and may write the same files. What they finish is whole, and made again
    only where it lay there unfinished or not at all when Snakemake started: it looks for outputs of
    killed jobs at its start alone, and takes over what has come since when a checkpoint makes it
    look at the files again.
    """
    assert disturbed.digest() == finished.digest()
    assert set(disturbed.finished()) <= set(finished.finished())
    taken_over = set(finished.finished()) - set(disturbed.finished())
    assert len(taken_over) <= 2 * kills, "more was taken over than what ran at the kills"
    repeated = sum((disturbed.finished() - finished.finished()).values())
    assert repeated <= 2 * kills, "more was run again than what ran when Snakemake was killed"


def test_kill_of_snakemake(fresh, finished):
    """What it left running is no harm; the next run has to be allowed by --unlock."""
    draw = random.Random(f"{SEED} kill")
    tries = kills = 0
    while tries < TRIES:
        run = fresh.start()
        run.watch(lambda run=run: "Execute" in run.log())
        if pause(run, draw.uniform(0, finished.seconds)):
            run.process.kill()
            tries += 1
            kills += 1
        ended = run.wait().status == 0
        check_nothing_runs(fresh)
        if not ended:
            again = fresh.run()
            # Snakemake takes its lock away before it ends: a kill in between leaves a whole study.
            ended = again.status == 0 and not again.jobs
            assert ended or "unlock" in again.text
        if not ended:
            fresh.unlock()
        elif tries < TRIES:
            check_beside(fresh, finished, kills)
            begin_anew(fresh)
            kills = 0
    fresh.finish()
    check_beside(fresh, finished, kills)


def test_kill_of_a_job_of_several_steps(fresh, finished):
    """Steps that it had finished are taken over by its next start, though Snakemake knows of
    none of them.
    """
    fresh.configure(steps_per_job=4, members="looped", epochs=20)
    fresh.finish()
    undisturbed = fresh.digest()
    round_ = fresh.search / "round_0"
    made = [*round_.glob("step_*"), round_ / "decision.json", fresh.study / "study.h5"]
    for path in (*made, fresh.search / "search.h5", fresh.search / "test.h5"):
        path.unlink()
    run = fresh.start()
    assert run.watch(lambda: (round_ / ".finished/step_1/step_1.h5").exists())
    for script in run.scripts():
        script.kill()
    assert run.wait().status != 0
    assert not (round_ / "step_0.h5").exists()
    fresh.finish()
    log = fresh.folder / "logs/small/trial_0/fisher/round_0/steps_0_to_3.log"
    assert "step 0 was finished before the job was interrupted" in log.read_text()
    assert "step 1 was finished before the job was interrupted" in log.read_text()
    assert fresh.digest() == undisturbed
    assert not (round_ / ".finished/step_0").exists()
