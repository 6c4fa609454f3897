"""Rules: train_first_task, train_step, train_reference, evaluate_test."""


rule train_first_task:
    input:
        data=DATA,
        base_model=ancient(BASE["weights"]),
        base_record=ancient(BASE["record"]),
    output:
        record=FIRST["record"],
        weights=FIRST["weights"],
    log:
        f"{LOGS}/trial_{{trial}}/train_first_task.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/train_first_task.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        config=TRAIN_CONFIG,
        importance=STUDY["importance"],
        code=code_digest("train_first_task"),
    message:
        "Trial {wildcards.trial}: train the first task once for all lambdas"
    script:
        "../scripts/train_first_task.py"


rule train_step:
    input:
        unpack(step_inputs),
    output:
        **with_weights(STEP, STEP_WEIGHTS),
    log:
        f"{LOGS}/trial_{{trial}}/{{importance}}/round_{{round}}/step_{{step}}.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/{{importance}}/round_{{round}}/step_{{step}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        config=TRAIN_CONFIG,
        grid=GRID_CONFIG,
        code=code_digest("train_step"),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}, round {wildcards.round}: train lambda step {wildcards.step}"
    script:
        "../scripts/train_step.py"


rule train_reference:
    input:
        unpack(trial_inputs),
    output:
        **with_weights(REFERENCE, f"{TRIAL}/reference/{{reference}}.safetensors"),
    log:
        f"{LOGS}/trial_{{trial}}/reference/{{reference}}.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/reference/{{reference}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        config=TRAIN_CONFIG,
        code=code_digest("train_reference"),
    message:
        "Trial {wildcards.trial}: train the reference line {wildcards.reference}"
    script:
        "../scripts/train_reference.py"


rule evaluate_test:
    input:
        unpack(chosen_inputs),
        data=DATA,
        base_model=ancient(BASE["weights"]),
        base_record=ancient(BASE["record"]),
    output:
        TEST,
    log:
        f"{LOGS}/trial_{{trial}}/{{importance}}/evaluate_test.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/{{importance}}/evaluate_test.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        config=TRAIN_CONFIG,
        code=code_digest("evaluate_test"),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}: evaluate the chosen lambda on the test split"
    script:
        "../scripts/evaluate_test.py"
