"""What a run prints beside Snakemake's own messages."""


# Not in a dry-run, and not in the jobs.
onstart:
    from ewc_lambda.jobs.progress_log import ProgressLog

    logger.addHandler(ProgressLog(RESULTS, STUDY, logger))
