"""Rules: train_step, or train_steps_N for each block of steps where a job trains several."""

if STEPS_PER_JOB == 1:

    rule train_step:
        input:
            unpack(step_inputs),
        output:
            **step_outputs([STEP], [STEP_WEIGHTS]),
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
            config=STEP_CONFIG,
            code=STEP_CODE,
        message:
            "Trial {wildcards.trial}, {wildcards.importance}, round {wildcards.round}: train lambda step {wildcards.step}"
        script:
            "../scripts/train_steps.py"


# With more steps in a job, a rule for each block of a round: a step's file stays an output of its
# own, which one rule with a wildcard for the block cannot say.
for block in BLOCKS if STEPS_PER_JOB > 1 else []:

    rule:
        name:
            f"train_steps_{block[0]}_to_{block[-1]}"
        input:
            unpack(block_inputs(block)),
        output:
            **step_outputs(
                expand(STEP, step=block, allow_missing=True),
                expand(STEP_WEIGHTS, step=block, allow_missing=True),
            ),
        log:
            f"{LOGS}/trial_{{trial}}/{{importance}}/round_{{round}}/steps_{block[0]}_to_{block[-1]}.log",
        benchmark:
            f"{TIMES}/trial_{{trial}}/{{importance}}/round_{{round}}/steps_{block[0]}_to_{block[-1]}.tsv"
        priority: 4
        conda:
            "../../envs/study.yaml"
        threads: 1
        resources:
            mem_mb=block_memory,
            runtime=block_time,
            gpu=GPUS,
        params:
            config=STEP_CONFIG,
            code=STEP_CODE,
        message:
            "Trial {wildcards.trial}, {wildcards.importance}, round {wildcards.round}: train several lambda steps"
        script:
            "../scripts/train_steps.py"
