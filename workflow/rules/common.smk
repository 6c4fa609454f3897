"""What the rule files share: the checked config, paths, and the input functions."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.current_basedir, "../scripts").resolve()))

from snakemake.exceptions import WorkflowError

from ewc_lambda.config import part, resolve
from ewc_lambda.errors import StudyError
from ewc_lambda.provenance import code_digest
from ewc_lambda.records import read_json

try:
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
BASE = {"weights": f"{TRIAL}/base_model.safetensors", "record": f"{TRIAL}/base_model.json"}
FIRST = {"record": f"{TRIAL}/first_task.h5", "weights": f"{TRIAL}/first_task.safetensors"}
GRID = f"{ROUND}/grid.json"
STEP = f"{ROUND}/step_{{step}}.h5"
STEP_WEIGHTS = f"{ROUND}/step_{{step}}.safetensors"
DECISION = f"{ROUND}/decision.json"
SEARCH_FILE = f"{SEARCH}/search.h5"
TEST = f"{SEARCH}/test.h5"
REFERENCE = f"{TRIAL}/reference/{{reference}}.h5"
STUDY_FILE = f"{RESULTS}/study.h5"
STUDY_FILE_ALONE = Path(STUDY_FILE).exists() and not any(Path(RESULTS).glob("trial_*"))

TRIALS = range(STUDY["trials"])
STEPS = range(STUDY["steps"])
REFERENCES = ("finetuning", "joint")
# With common random numbers the steps of a trial share its first task.
SHARED = STUDY["randomness"] == "common"

# The parts of the config that results depend on, and so the parameters of the rules that make
# them: a changed key makes anew what depends on it, and nothing else.
DATA_CONFIG = part(STUDY, "seed", "data")
MODEL_CONFIG = part(STUDY, "seed", "data", "model")
TRAIN_CONFIG = part(STUDY, "seed", "data", "model", "training", "importance", "files")
SEARCH_CONFIG = part(STUDY, "seed", "search")
GRID_KEYS = ("spacing", "low_range", "high_range", "steps", "expand_at_edge")
GRID_CONFIG = {key: STUDY[key] for key in GRID_KEYS}
# Where files lie on this machine is no part of a result.
STUDY_CONFIG = {key: value for key, value in STUDY.items() if key not in part(STUDY, "place")}


def with_weights(record, weights):
    """Outputs of a rule that trains: the record, and the weights where they are kept."""
    return {"record": record} | ({"weights": weights} if STUDY["save_weights"] else {})


def trial_inputs(wildcards):
    """What every run of a trial starts from.

    All but the data is ancient: those files change only with the parameters that these rules
    have too, and each is checked by its digest. So one that was lost and made again is no reason
    to train what it had already served.
    """
    files = {
        "data": DATA,
        "base_model": ancient(BASE["weights"]),
        "base_record": ancient(BASE["record"]),
    }
    if SHARED:
        files["first_task"] = ancient(FIRST["record"])
        files["first_weights"] = ancient(FIRST["weights"])
    return files


def step_inputs(wildcards):
    """What a lambda step starts from; with the steps of the round before, some of whose lambdas
    it may repeat."""
    files = trial_inputs(wildcards) | {"grid": ancient(GRID)}
    before = int(wildcards.round) - 1
    if SHARED and before >= 0:
        known = {"trial": wildcards.trial, "importance": wildcards.importance, "round": before}
        files["earlier_grid"] = ancient(GRID.format(**known))
        files["earlier_steps"] = [ancient(STEP.format(**known, step=s)) for s in STEPS]
        if STUDY["save_weights"]:
            weights = [STEP_WEIGHTS.format(**known, step=s) for s in STEPS]
            files["earlier_weights"] = [ancient(path) for path in weights]
    return files


def round_inputs(wildcards):
    """The decision that a later round's grid follows from; the first follows from the config."""
    before = int(wildcards.round) - 1
    if before < 0:
        return {}
    known = {"trial": wildcards.trial, "importance": wildcards.importance, "round": before}
    return {"decision": DECISION.format(**known)}


def decisions(wildcards):
    """Paths of the decisions of all rounds of a search, asking for one round after the other."""
    paths = []
    while True:
        known = {"trial": wildcards.trial, "importance": wildcards.importance}
        path = checkpoints.decide_round.get(**known, round=len(paths)).output[0]
        paths.append(path)
        if _decision(path)["stop"] is not None:
            return paths


def search_inputs(wildcards):
    """All decisions and steps of a search."""
    paths = decisions(wildcards)
    steps = [STEP.format(**wildcards, round=r, step=s) for r in range(len(paths)) for s in STEPS]
    return {"decisions": paths, "steps": steps}


def chosen_inputs(wildcards):
    """Record and weights of the step that a search chose: the best of all its rounds. Nothing
    where every step diverged."""
    rounds = [_decision(path) for path in decisions(wildcards)]
    best = [(d["measures"][d["optimum_step"]], d) for d in rounds if d["optimum"] is not None]
    if not best:
        return {}
    decision = min(best, key=lambda pair: pair[0])[1]
    place = {"round": decision["round"], "step": decision["optimum_step"]}
    return {
        "chosen": STEP.format(**wildcards, **place),
        "chosen_weights": STEP_WEIGHTS.format(**wildcards, **place),
    }


def _decision(path):
    try:
        return read_json(path)
    except StudyError as error:
        raise WorkflowError(f"{error}. Delete it and run the same command again.") from None
