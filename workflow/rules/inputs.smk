"""The outputs and input functions of the rules."""

import functools
import itertools


def with_weights(record, weights):
    """Outputs of a job that trains, the record and the weights where they are kept."""
    return {"record": record} | ({"weights": weights} if STUDY["save_weights"] else {})


def step_outputs(records, weights):
    """Outputs of a rule that trains steps."""
    return {"records": records} | ({"weights": weights} if STUDY["save_weights"] else {})


def unless_settled(files, made, config, code):
    """Inputs of a job that trains, ancient where all that it makes stands, the records by today's
    config and code, so that a file which was lost and is made again is no reason to train what it
    had served. The digests in every file tell if it came out different.

    Where an output is missing or was made otherwise the inputs are plain: Snakemake asks a job
    below an ancient input for no reason of its own until what is above has run.
    """
    today = recipe_of({"code_sha256": code, "config": config})
    settled = all(stored_recipe(path) == today for path in made["records"])
    if not settled or not stand(made.get("weights", [])) or is_forced(made):
        return files
    # Of a file that is missing now, Snakemake would not believe that it is ancient.
    return {name: ancient(paths) for name, paths in files.items() if stand(paths)}


def is_forced(made):
    """Whether the command line asks for a job though all that it makes stands: -F, -R or -f."""
    paths = set(itertools.chain(*made.values()))
    rules_ = workflow.dag.forcerules
    named = any(rule.is_producer(path) for rule in rules_ for path in paths)
    return named or not paths.isdisjoint(workflow.dag.forcefiles)


def stand(paths):
    """Whether a path, or all of a list of paths, are there. No list is shortened to those that are:
    what reads it goes by the places in it.
    """
    return all(Path(path).exists() for path in ([paths] if isinstance(paths, str) else paths))


def base_inputs(wildcards):
    """What a base model's shape follows from; ancient as in `unless_settled`."""
    today = recipe_of({"code_sha256": BASE_CODE, "config": MODEL_CONFIG})
    made = {name: [path.format(**wildcards)] for name, path in BASE.items()}
    try:
        record = read_json(made["record"][0])
    except StudyError:
        return {"data": DATA}
    settled = recipe_of(record["provenance"]) == today and stand(made["weights"])
    if not settled or is_forced(made):
        return {"data": DATA}
    return {"data": ancient(DATA)} if stand(DATA) else {}


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
    record, weights = (FIRST[name].format(**wildcards) for name in ("record", "weights"))
    made = {"records": [record], "weights": [weights]}
    return unless_settled(files, made, FIRST_CONFIG, FIRST_CODE)


def reference_inputs(wildcards):
    """What a reference line starts from."""
    record, weights = REFERENCE.format(**wildcards), REFERENCE_WEIGHTS.format(**wildcards)
    made = step_outputs([record], [weights])
    return unless_settled(trial_files(wildcards), made, TRAIN_CONFIG, REFERENCE_CODE)


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
        made = step_outputs(
            [STEP.format(**place, step=s) for s in steps],
            [STEP_WEIGHTS.format(**place, step=s) for s in steps],
        )
        return unless_settled(files, made, STEP_CONFIG, STEP_CODE)

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
        found = _decision(paths[-1])
        if found is None:
            return paths, None
        said.append(found)
        if found["stop"] is not None:
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
    """What a decision says; None where there is none yet. A broken one is moved aside, to be made
    anew: rounds are planned by it before any job could find it broken.
    """
    try:
        return read_json(path)
    except BrokenFileError as error:
        if not Path(path).exists():
            return None
        # What is raised here Snakemake may take for the lack of a rule, and say nothing of it.
        if workflow.dryrun or not workflow.is_main_process:
            _warn(f"{error}. A run moves it aside and makes it anew.")
        else:
            _warn(f"{error}. It was moved to {move_aside(Path(path))} and is made anew.")
        return None
    except StudyError as error:
        raise WorkflowError(f"{error}. Delete it and run the same command again.") from None


@functools.cache
def _warn(message):
    """Once: Snakemake asks for a job's inputs many times."""
    logger.warning(message)


def lost_files(wildcards):
    """Files of today's study that were found broken, moved aside, and not made again yet. Snakemake
    alone would not miss them where all that was made from them is there.
    """
    return _lost_files()


@functools.cache
def _lost_files():
    # First: broken decisions are moved aside while they are read.
    planned = set(planned_files())
    return sorted(planned.intersection(map(str, set_aside(RESULTS))))


def planned_files():
    """All that today's study makes, in as many rounds as are known by now."""
    yield from (DATA, STUDY_FILE)
    for trial in TRIALS:
        yield from (path.format(trial=trial) for path in (*BASE.values(), *FIRST.values()))
        for reference in REFERENCES:
            place = {"trial": trial, "reference": reference}
            yield from _listed(REFERENCE, REFERENCE_WEIGHTS, place)
        for importance in STUDY["importance"]:
            place = {"trial": trial, "importance": importance}
            yield from (path.format(**place) for path in (SEARCH_FILE, *TESTS))
            for round_ in range(len(decisions(place)[0])):
                place["round"] = round_
                yield from (GRID.format(**place), DECISION.format(**place))
                for step in STEPS:
                    yield from _listed(STEP, STEP_WEIGHTS, place | {"step": step})


def _listed(record, weights, place):
    made = step_outputs([record.format(**place)], [weights.format(**place)])
    return itertools.chain(*made.values())
