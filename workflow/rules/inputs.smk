"""The outputs and input functions of the rules."""


def with_weights(record, weights):
    """Outputs of a job that trains, the record and the weights where they are kept."""
    return {"record": record} | ({"weights": weights} if STUDY["save_weights"] else {})


def step_outputs(records, weights):
    """Outputs of a rule that trains steps."""
    return {"records": records} | ({"weights": weights} if STUDY["save_weights"] else {})


def unless_settled(files, outputs, config, code):
    """Inputs of a job that trains, ancient where all its outputs stand and were made by today's
    config and code, so that a file which was lost and is made again is no reason to train what it
    had served. The digests in every file tell if it came out different.

    Where an output is missing or was made otherwise the inputs are plain: Snakemake asks a job
    below an ancient input for no reason of its own until what is above has run.
    """
    today = recipe_of({"code_sha256": code, "config": config})
    if not all(stored_recipe(path) == today for path in outputs):
        return files
    # Of a file that is missing now, Snakemake would not believe that it is ancient.
    return {name: ancient(there) for name, paths in files.items() if (there := existing(paths))}


def existing(paths):
    """Of one path or a list of paths those that are there."""
    if isinstance(paths, str):
        return paths if Path(paths).exists() else None
    return [path for path in paths if Path(path).exists()]


def base_inputs(wildcards):
    """What a base model's shape follows from; ancient as in `unless_settled`."""
    today = recipe_of({"code_sha256": BASE_CODE, "config": MODEL_CONFIG})
    try:
        record = read_json(BASE["record"].format(**wildcards))
    except StudyError:
        return {"data": DATA}
    if recipe_of(record["provenance"]) != today:
        return {"data": DATA}
    return {"data": ancient(DATA)} if existing(DATA) else {}


def trial_files(wildcards):
    """What every run of a trial starts from."""
    files = {"data": DATA, "base_model": BASE["weights"], "base_record": BASE["record"]}
    if SHARED:
        files |= {"first_task": FIRST["record"], "first_weights": FIRST["weights"]}
    return {name: path.format(trial=wildcards.trial) for name, path in files.items()}


def first_task_inputs(wildcards):
    """What the first task of a trial starts from."""
    files = trial_files(wildcards)
    files = {name: files[name] for name in ("data", "base_model", "base_record")}
    outputs = [FIRST["record"].format(**wildcards)]
    return unless_settled(files, outputs, FIRST_CONFIG, FIRST_CODE)


def reference_inputs(wildcards):
    """What a reference line starts from."""
    outputs = [REFERENCE.format(**wildcards)]
    return unless_settled(trial_files(wildcards), outputs, TRAIN_CONFIG, REFERENCE_CODE)


def step_inputs(wildcards):
    """What a lambda step starts from."""
    return block_inputs([wildcards.step])(wildcards)


def block_inputs(steps):
    """An input function: what some steps of a round start from, with the steps of the round
    before, some of whose lambdas they may repeat.
    """

    def inputs(wildcards):
        place = {name: wildcards[name] for name in ("trial", "importance", "round")}
        files = trial_files(wildcards) | {"grid": GRID.format(**place)}
        before = int(wildcards.round) - 1
        if SHARED and before >= 0:
            earlier = place | {"round": before}
            files["earlier_grid"] = GRID.format(**earlier)
            files["earlier_steps"] = [STEP.format(**earlier, step=s) for s in STEPS]
            if STUDY["save_weights"]:
                weights = [STEP_WEIGHTS.format(**earlier, step=s) for s in STEPS]
                files["earlier_weights"] = weights
        outputs = [STEP.format(**place, step=s) for s in steps]
        return unless_settled(files, outputs, STEP_CONFIG, STEP_CODE)

    return inputs


def round_inputs(wildcards):
    """The decision that a later round's grid follows from; the first follows from the config."""
    before = int(wildcards.round) - 1
    if before < 0:
        return {}
    known = {
        "trial": wildcards.trial,
        "importance": wildcards.importance,
        "round": before,
    }
    return {"decision": DECISION.format(**known)}


def decisions(wildcards):
    """Paths of a search's decisions, as far as it is known to go, and what those that exist say.

    A job that has a checkpoint's output among its inputs is given its inputs anew when the
    checkpoint has run, so the next round is asked for then. `checkpoints.decide_round.get` would
    do the same, but leaves the jobs of all unfinished searches marked as incomplete, and Snakemake
    looks at the whole graph once more for them after each checkpoint.
    """
    paths, said = [], []
    while True:
        paths.append(DECISION.format(**wildcards, round=len(paths)))
        if not Path(paths[-1]).exists():
            return paths, None
        said.append(_decision(paths[-1]))
        if said[-1]["stop"] is not None:
            return paths, said


def search_inputs(wildcards):
    """All decisions and steps of a search, and what its steps were made from."""
    paths, said = decisions(wildcards)
    if said is None:
        return {"decisions": paths}
    steps = [STEP.format(**wildcards, round=r, step=s) for r in range(len(paths)) for s in STEPS]
    return trial_files(wildcards) | {"decisions": paths, "steps": steps}


def chosen_inputs(wildcards):
    """All decisions of a search, and record and weights of the step that it chose: the best of all
    its rounds. No step where all diverged.
    """
    paths, said = decisions(wildcards)
    best = [(d["measures"][d["optimum_step"]], d) for d in said or [] if d["optimum"] is not None]
    if not best:
        return {"decisions": paths}
    decision = min(best, key=lambda pair: pair[0])[1]
    place = {"round": decision["round"], "step": decision["optimum_step"]}
    return {
        "decisions": paths,
        "chosen": STEP.format(**wildcards, **place),
        "chosen_weights": STEP_WEIGHTS.format(**wildcards, **place),
    }


def _decision(path):
    try:
        return read_json(path)
    except StudyError as error:
        raise WorkflowError(f"{error}. Delete it and run the same command again.") from None
