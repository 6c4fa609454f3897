"""What the rule files share: the checked config, the study's files, and what of them stands.

A rule's priority is the higher the nearer it is to an answer: the first trials are decided early,
and few jobs are ready at a time, all of which the scheduler weighs whenever one ends.
"""

import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from ewc_lambda.config.own_trainer import check_python, trained_by_user
from ewc_lambda.config.study_config import resolve, steps_per_job
from ewc_lambda.config.written import as_typed, check_keys
from ewc_lambda.data.sources import check_files
from ewc_lambda.data.sources.task_list import check_sequence
from ewc_lambda.errors import StudyError
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import REFERENCES
from ewc_lambda.upkeep.look_ahead import look_ahead
from ewc_lambda.upkeep.plan import Plan, told_alone

try:
    for file in workflow.configfiles:
        check_keys(file)
    STUDY = resolve(as_typed(config, workflow.config_settings.config_args))
    # The code of the plan is that of its jobs, wherever and whenever they read it.
    codes = None if workflow.is_main_process else os.getenv("EWC_LAMBDA_CODES")
    FILES = Files(STUDY, f"{PREFIX}results", codes=codes and json.loads(codes))
    os.environ.update(EWC_LAMBDA_CODES=json.dumps(FILES.codes()))
except StudyError as error:
    raise WorkflowError(f"config: {error}") from None

# Jobs take their inputs as they are: what stands was found out when they were planned.
PLAN = None
try:
    if workflow.is_main_process and not FILES.alone:
        PLAN = Plan(FILES, logger)
except StudyError as error:
    raise WorkflowError(str(error)) from None

if workflow.is_main_process and FILES.alone:
    logger.warning(told_alone(FILES))

try:
    if PLAN and not trained_by_user(STUDY):
        check_sequence(STUDY)
    # The user's files are missed here, before anything runs.
    if PLAN and not PLAN.stand([FILES.product("data")]):
        check_files(STUDY)
        for line in look_ahead(STUDY):
            logger.info(line)
    if PLAN and not PLAN.stand([FILES.product("study")]):
        check_python(STUDY)
except StudyError as error:
    raise WorkflowError(f"config: {error}") from None

RESULTS = FILES.folder
STUDY_FILE = FILES.record("study")
LOGS = f"{PREFIX}logs/{STUDY['study']}"
TIMES = f"{PREFIX}benchmarks/results/{STUDY['study']}"


wildcard_constraints:
    trial=r"\d+",
    round=r"\d+",
    look=r"\d+",
    step=r"\d+",
    importance="|".join(STUDY["importance"]),
    reference="|".join(REFERENCES),


STEPS_PER_JOB = steps_per_job(STUDY)
