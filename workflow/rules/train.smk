"""Rules: train_first_task, train_reference, evaluate_test."""


rule train_first_task:
    input:
        unpack(first_task_inputs),
    output:
        record=FIRST["record"],
        weights=FIRST["weights"],
    log:
        f"{LOGS}/trial_{{trial}}/train_first_task.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/train_first_task.tsv"
    priority: 2
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=training_memory,
        runtime=training_time,
        gpu=GPUS,
    params:
        config=FIRST_CONFIG,
        code=FIRST_CODE,
    message:
        "Trial {wildcards.trial}: train the first task once for all lambdas"
    script:
        "../scripts/train_first_task.py"


rule train_reference:
    input:
        unpack(reference_inputs),
    output:
        **with_weights(REFERENCE, REFERENCE_WEIGHTS),
    log:
        f"{LOGS}/trial_{{trial}}/reference/{{reference}}.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/reference/{{reference}}.tsv"
    priority: 3
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=training_memory,
        runtime=training_time,
        gpu=GPUS,
    params:
        config=TRAIN_CONFIG,
        code=REFERENCE_CODE,
    message:
        "Trial {wildcards.trial}: train the reference line {wildcards.reference}"
    script:
        "../scripts/train_reference.py"


rule evaluate_test:
    input:
        unpack(chosen_inputs),
        data=DATA,
        base_model=BASE["weights"],
        base_record=BASE["record"],
    output:
        TEST,
    log:
        f"{LOGS}/trial_{{trial}}/{{importance}}/evaluate_test.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/{{importance}}/evaluate_test.tsv"
    priority: 5
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=training_memory,
        runtime=at_most(30),
        gpu=GPUS,
    params:
        config=TRAIN_CONFIG,
        code=code_digest("evaluate_test", files=OWN_MODEL),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}: evaluate the chosen lambda on the test split"
    script:
        "../scripts/evaluate_test.py"
