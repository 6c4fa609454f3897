"""What a run does before its first job, and prints beside Snakemake's own messages."""


# Not in a dry-run, and not in the jobs.
onstart:
    from snakemake.script import PythonScript
    from ewc_lambda.jobs.progress_log import ProgressLog
    from ewc_lambda.jobs.termination import hear_sigterm
    from ewc_lambda.jobs.warm.starts import begin_warm_starts

    hear_sigterm()
    if PLAN:
        try:
            PLAN.begin()
        except StudyError as error:
            raise WorkflowError(str(error)) from None
        logger.addHandler(ProgressLog(FILES, logger))
    # A cluster counts the memory of its jobs, and not of a helper beside them.
    if workflow.local_exec and not workflow.touch:
        begin_warm_starts(PythonScript, logger.warning)
