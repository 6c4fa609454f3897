"""Rules: make_grid, decide_round (a checkpoint), collect_search."""


rule make_grid:
    input:
        unpack(round_inputs),
    output:
        GRID,
    log:
        f"{LOGS}/trial_{{trial}}/{{importance}}/round_{{round}}/make_grid.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/{{importance}}/round_{{round}}/make_grid.tsv"
    priority: 3
    localrule: True
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=300,
        runtime=5,
    params:
        config=SEARCH_CONFIG,
        code=code_digest("make_grid"),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}, round {wildcards.round}: space the lambdas"
    script:
        "../scripts/make_grid.py"


checkpoint decide_round:
    input:
        unpack(trial_files),
        grid=GRID,
        steps=expand(STEP, step=STEPS, allow_missing=True),
    output:
        DECISION,
    log:
        f"{LOGS}/trial_{{trial}}/{{importance}}/round_{{round}}/decide_round.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/{{importance}}/round_{{round}}/decide_round.tsv"
    priority: 5
    localrule: True
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=300,
        runtime=5,
    params:
        config=SEARCH_CONFIG,
        code=code_digest("decide_round"),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}, round {wildcards.round}: pick the optimum"
    script:
        "../scripts/decide_round.py"


rule collect_search:
    input:
        unpack(search_inputs),
    output:
        SEARCH_FILE,
    log:
        f"{LOGS}/trial_{{trial}}/{{importance}}/collect_search.log",
    benchmark:
        f"{TIMES}/trial_{{trial}}/{{importance}}/collect_search.tsv"
    priority: 5
    localrule: True
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        shared=SHARED,
        code=code_digest("collect_search"),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}: gather all rounds"
    script:
        "../scripts/collect_search.py"
