"""Rules: train_step, or train_steps_N for each block of steps where a job trains several."""

if STEPS_PER_JOB == 1:

    rule train_step:
        input:
            unpack(made_from("step")),
        output:
            **step_outputs(["{step}"]),
        log:
            f"{LOGS}/trial_{{trial}}/{{importance}}/round_{{round}}/step_{{step}}.log",
        benchmark:
            f"{TIMES}/trial_{{trial}}/{{importance}}/round_{{round}}/step_{{step}}.tsv"
        priority: 4
        conda:
            "../../envs/study.yaml"
        threads: 1
        resources:
            mem_mb=training_memory,
            runtime=training_time,
            gpu=GPUS,
        params:
            **FILES.made_by("step"),
        message:
            "Trial {wildcards.trial}, {wildcards.importance}, round {wildcards.round}: train lambda step {wildcards.step}"
        script:
            "../scripts/train_steps.py"


# With more steps in a job, a rule for each block of a round: a step's file stays an output of its
# own, which one rule with a wildcard for the block cannot say. Rounds of later trials have other
# steps.
for ending, trials, block in blocks() if STEPS_PER_JOB > 1 else []:

    rule:
        name:
            f"train_steps_{block[0]}_to_{block[-1]}{ending}"
        input:
            unpack(steps_made_from(block)),
        output:
            **step_outputs(block),
        log:
            f"{LOGS}/trial_{{trial}}/{{importance}}/round_{{round}}/steps_{block[0]}_to_{block[-1]}.log",
        benchmark:
            f"{TIMES}/trial_{{trial}}/{{importance}}/round_{{round}}/steps_{block[0]}_to_{block[-1]}.tsv"
        wildcard_constraints:
            trial=trials,
        priority: 4
        conda:
            "../../envs/study.yaml"
        threads: 1
        resources:
            mem_mb=block_memory,
            runtime=block_time,
            gpu=GPUS,
        params:
            **FILES.made_by("step"),
        message:
            "Trial {wildcards.trial}, {wildcards.importance}, round {wildcards.round}: train several lambda steps"
        script:
            "../scripts/train_steps.py"
