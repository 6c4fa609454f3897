"""What a run prints: how far it is, its answer as the last lines, and what to do after it ended."""

import os
import sys

from ewc_lambda.jobs.screen import Screen

# Snakemake's log file keeps every line. A dry-run, and who asks for more, see them all.
SCREEN = None
SETTINGS = workflow.output_settings
if workflow.is_main_process and not (
    SETTINGS.dryrun or SETTINGS.verbose or SETTINGS.printshellcmds or SETTINGS.debug_dag
):
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            SCREEN = Screen(handler, idle=lambda: told_at_end(finished_lines, []))
            logger.removeHandler(handler)
            logger.addHandler(SCREEN)


def finished_lines(log):
    """The answer, if its tables were asked for, and the commands that go on from it."""
    from ewc_lambda.reporting.answers import open_study
    from ewc_lambda.reporting.ending import ending

    tables = DRAWINGS["tables"]
    code = drawn_by(tables.scripts)["code"]
    if not drawing_stands(tables.record, STUDY_FILE, tables.paths, code):
        return [f"Finished. All that Snakemake said: {log}"] if log else []
    go_on = {
        "All of it, trial by trial": command("summary"),
        "One page with every figure": command("report"),
    }
    return ending(open_study(STUDY_FILE), go_on)


def failed_lines(log):
    """What there is to do after a run that did not end well."""
    if SCREEN.interrupted:
        return ["interrupted; the same command goes on"]
    return [
        f"Not finished: jobs failed, for the reasons above (all that was said: {log}). What is done "
        f"stays; when the cause is mended, the same command goes on."
    ]


def command(word):
    """A command on this study, by make where the run was started so."""
    name = STUDY["study"]
    return f"make {word} STUDY={name}" if "MAKELEVEL" in os.environ else f"ewc-lambda {word} {name}"


def told_at_end(say, logs):
    """Print the last lines of the run. That they cannot be told is no reason to fail."""
    if SCREEN:
        from ewc_lambda.reporting.fitting import fitted

        try:
            said = say(", ".join(map(os.path.relpath, logs)))
            SCREEN.end(fitted(said, sys.stderr))
        except StudyError as error:
            logger.warning(str(error))


# Not in a dry-run, and not in the jobs.
onstart:
    from snakemake.script import PythonScript
    from ewc_lambda.jobs.job_rate import without_limit
    from ewc_lambda.jobs.progress_log import ProgressLog
    from ewc_lambda.jobs.termination import hear_ctrl_c, hear_sigterm
    from ewc_lambda.jobs.warm.starts import begin_warm_starts
    from ewc_lambda.results.run_config import note_config

    if workflow.local_exec:
        without_limit(workflow)
    heard = SCREEN.interrupt if SCREEN else (lambda: None)
    hear_ctrl_c(heard)
    hear_sigterm(heard)
    if PLAN:
        try:
            PLAN.begin()
        except StudyError as error:
            raise WorkflowError(str(error)) from None
        try:
            note_config(FILES)
        except StudyError as error:
            # No result is made from it.
            logger.warning(str(error))
        logger.addHandler(ProgressLog(FILES, PLAN, logger))
    # A cluster counts the memory of its jobs, and not of a helper beside them.
    if workflow.local_exec and not workflow.touch:
        begin_warm_starts(PythonScript, logger.warning)


onsuccess:
    told_at_end(finished_lines, log)


onerror:
    told_at_end(failed_lines, log)
