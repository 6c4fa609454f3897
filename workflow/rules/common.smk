"""What the rule files share: the checked config, paths, and the input functions.

A rule's priority is the higher the nearer it is to an answer: the first trials are decided early,
and few jobs are ready at a time, all of which the scheduler weighs whenever one ends.
"""

import os
import sys
from pathlib import Path

# This checkout's library comes first, here and in the jobs, whatever else is installed.
SCRIPTS = str(Path(workflow.current_basedir, "../scripts").resolve())
sys.path.insert(0, SCRIPTS)
PATHS = os.pathsep.join(filter(None, [SCRIPTS, os.getenv("PYTHONPATH")]))
os.environ.update(PYTHONPATH=PATHS)

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from ewc_lambda.config.study_config import check_keys, part, resolve, steps_per_job
from ewc_lambda.data.sources import check_files
from ewc_lambda.errors import StudyError
from ewc_lambda.store.code import code_digest
from ewc_lambda.store.provenance import model_files, recipe_of
from ewc_lambda.store.records import BrokenFileError, read_json, stored_recipe
from ewc_lambda.store.replacing import move_aside, set_aside

try:
    for file in workflow.configfiles:
        check_keys(file)
    STUDY = resolve(config)
except StudyError as error:
    raise WorkflowError(f"config: {error}") from None

RESULTS = f"results/{STUDY['study']}"
TRIAL = f"{RESULTS}/trial_{{trial}}"
SEARCH = f"{TRIAL}/{{importance}}"
ROUND = f"{SEARCH}/round_{{round}}"
LOGS = f"logs/{STUDY['study']}"
TIMES = f"benchmarks/results/{STUDY['study']}"

DATA = f"{RESULTS}/data.h5"
BASE = {
    "weights": f"{TRIAL}/base_model.safetensors",
    "record": f"{TRIAL}/base_model.json",
}
FIRST = {
    "record": f"{TRIAL}/first_task.h5",
    "weights": f"{TRIAL}/first_task.safetensors",
}
GRID = f"{ROUND}/grid.json"
STEP = f"{ROUND}/step_{{step}}.h5"
STEP_WEIGHTS = f"{ROUND}/step_{{step}}.safetensors"
DECISION = f"{ROUND}/decision.json"
SEARCH_FILE = f"{SEARCH}/search.h5"
TEST = f"{SEARCH}/test.h5"
REFERENCE = f"{TRIAL}/reference/{{reference}}.h5"
REFERENCES = ("finetuning", "joint")
REFERENCE_WEIGHTS = f"{TRIAL}/reference/{{reference}}.safetensors"
STUDY_FILE = f"{RESULTS}/study.h5"
STUDY_FILE_ALONE = Path(STUDY_FILE).exists() and not any(Path(RESULTS).glob("trial_*"))
if STUDY_FILE_ALONE:
    logger.warning(
        f"Figures and tables are drawn from {STUDY_FILE} alone. Nothing is trained while the "
        f"results that it was gathered from are absent; give the study another name (the key "
        f"study) to train it."
    )


wildcard_constraints:
    trial=r"\d+",
    round=r"\d+",
    step=r"\d+",
    importance="|".join(STUDY["importance"]),
    reference="|".join(REFERENCES),


TRIALS = range(STUDY["trials"])
STEPS = range(STUDY["steps"])
STEPS_PER_JOB = steps_per_job(STUDY)
BLOCKS = [STEPS[first : first + STEPS_PER_JOB] for first in range(0, len(STEPS), STEPS_PER_JOB)]
# What is evaluated on the test split are the weights of the chosen step.
TESTS = [TEST] if STUDY["save_weights"] else []
# With common random numbers the steps of a trial share its first task.
SHARED = STUDY["randomness"] == "common"

# The parts of the config that results depend on, and so the parameters of the rules that make
# them: a changed key makes anew what depends on it, and nothing else.
DATA_CONFIG = part(STUDY, "seed", "data")
MODEL_CONFIG = part(STUDY, "seed", "data", "model")
TRAIN_CONFIG = part(STUDY, "seed", "data", "model", "training", "importance", "files")
FIRST_CONFIG = TRAIN_CONFIG | part(STUDY, "measures")
GRID_KEYS = ("spacing", "low_range", "high_range", "steps", "expand_at_edge")
STEP_CONFIG = TRAIN_CONFIG | {key: STUDY[key] for key in (*GRID_KEYS, "racing")}
SEARCH_CONFIG = part(STUDY, "seed", "search")
# Where files lie and how work is cut into jobs is no part of a result, but for the last bit of
# members that are stacked with more or fewer others.
STUDY_CONFIG = {
    key: value for key, value in STUDY.items() if key not in part(STUDY, "place", "jobs")
}

# The code that results depend on, from the data to themselves: the project's scripts, and the
# user's own model where there is one. The user's files are missed here, before anything runs.
try:
    OWN_MODEL = () if STUDY_FILE_ALONE else model_files(STUDY)
    if not STUDY_FILE_ALONE and not Path(DATA).exists():
        check_files(STUDY)
except StudyError as error:
    raise WorkflowError(f"config: {error}") from None
BASE_CODE = code_digest("prepare_data", "create_base_model", files=OWN_MODEL)
FIRST_CODE = code_digest("prepare_data", "create_base_model", "train_first_task", files=OWN_MODEL)
REFERENCE_CODE = code_digest(
    "prepare_data",
    "create_base_model",
    "train_first_task",
    "train_reference",
    files=OWN_MODEL,
)
STEP_CODE = code_digest(
    "prepare_data",
    "create_base_model",
    "train_first_task",
    "make_grid",
    "train_steps",
    files=OWN_MODEL,
)
