"""Rules: create_base_model, train_first_task, train_reference, evaluate_test, scout."""


rule create_base_model:
    input:
        unpack(made_from("base_model")),
    output:
        **outputs("base_model"),
    log:
        f"{LOGS}/trial_{{trial}}/create_base_model.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/create_base_model.tsv"
    priority: 1
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=base_model_time,
    params:
        **FILES.made_by("base_model"),
    message:
        "Trial {wildcards.trial}: draw and freeze the base model"
    script:
        "../scripts/create_base_model.py"


rule train_first_task:
    input:
        unpack(made_from("first_task")),
    output:
        **outputs("first_task"),
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
        **FILES.made_by("first_task"),
    message:
        "Trial {wildcards.trial}: train the first task once for all lambdas"
    script:
        "../scripts/train_first_task.py"


rule train_reference:
    input:
        unpack(made_from("reference")),
    output:
        **outputs("reference"),
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
        **FILES.made_by("reference"),
    message:
        "Trial {wildcards.trial}: train the reference line {wildcards.reference}"
    script:
        "../scripts/train_reference.py"


rule evaluate_test:
    input:
        unpack(made_from("test")),
    output:
        FILES.record("test"),
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
        **FILES.made_by("test"),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}: evaluate the chosen lambda on the test split"
    script:
        "../scripts/evaluate_test.py"


rule scout:
    input:
        unpack(made_from("scout")),
    output:
        record=FILES.record("scout"),
    log:
        f"{LOGS}/trial_{{trial}}/{{importance}}/scout.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/{{importance}}/scout.tsv"
    priority: 4
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=training_memory,
        runtime=training_time,
        gpu=GPUS,
    params:
        **FILES.made_by("scout"),
    message:
        "{wildcards.importance}: find the decades in which lambda acts"
    script:
        "../scripts/scout.py"
