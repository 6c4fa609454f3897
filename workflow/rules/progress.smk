"""What a run does before its first job, and prints beside Snakemake's own messages."""


# Not in a dry-run, and not in the jobs.
onstart:
    from ewc_lambda.jobs.progress_log import ProgressLog
    from ewc_lambda.jobs.termination import hear_sigterm

    hear_sigterm()
    try:
        PLAN.begin()
    except StudyError as error:
        raise WorkflowError(str(error)) from None
    logger.addHandler(ProgressLog(FILES, logger))
