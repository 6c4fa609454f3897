"""What jobs ask a cluster for. The first requests are generous estimates for a small network; the
benchmark files in benchmarks/results tell what a job of yours took.
"""

# GPUs of a job that trains or evaluates.
GPUS = 1 if STUDY["device"] == "cuda" else 0

# A job that was killed for its memory or its time asks for more at the next attempt.


def training_memory(wildcards, attempt):
    """Megabytes of a job that trains; torch and Snakemake alone take 500."""
    return 2000 * attempt


def training_time(wildcards, attempt):
    """Minutes of a job that trains."""
    return at_most(60 * attempt)


def base_model_time(wildcards, attempt):
    """Minutes of a job that draws a base model; one's own trainer is tried there."""
    own = STUDY["trainer"] or STUDY["trainer_command"]
    return training_time(wildcards, attempt) if own else at_most(10)


def block_memory(wildcards, attempt):
    """Megabytes of a job that trains several steps in one program."""
    return 4000 * attempt


def block_time(wildcards, attempt):
    """Minutes of a job that trains several steps."""
    return at_most(60 * STEPS_PER_JOB * attempt)


def at_most(minutes):
    """Minutes within the time limit of a cluster's partition, where the config names it."""
    return min(minutes, STUDY["job_minutes"] or minutes)
