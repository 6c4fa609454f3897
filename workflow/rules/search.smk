"""Rules: make_grid, decide_round and decide_study (checkpoints), collect_search."""


rule make_grid:
    input:
        unpack(made_from("grid")),
    output:
        FILES.record("grid"),
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
        **FILES.made_by("grid"),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}, round {wildcards.round}: space the lambdas"
    script:
        "../scripts/make_grid.py"


checkpoint decide_round:
    input:
        unpack(made_from("decision")),
    output:
        FILES.record("decision"),
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
        **FILES.made_by("decision"),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}, round {wildcards.round}: pick the optimum"
    script:
        "../scripts/decide_round.py"


rule collect_search:
    input:
        unpack(made_from("search")),
    output:
        FILES.record("search"),
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
        **FILES.made_by("search"),
    message:
        "Trial {wildcards.trial}, {wildcards.importance}: gather all rounds"
    script:
        "../scripts/collect_search.py"


checkpoint decide_study:
    input:
        unpack(made_from("look")),
    output:
        FILES.record("look"),
    log:
        f"{LOGS}/decide_study_{{look}}.log",
    benchmark:
        f"{TIMES}/decide_study_{{look}}.tsv"
    priority: 5
    localrule: True
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        **FILES.made_by("look"),
    message:
        "Study, look {wildcards.look}: sure enough, or how many trials more?"
    script:
        "../scripts/decide_study.py"
