"""Rule: collect_study."""


rule collect_study:
    input:
        data=DATA,
        searches=expand(SEARCH_FILE, trial=TRIALS, importance=STUDY["importance"]),
        first_tasks=expand(FIRST["record"], trial=TRIALS) if SHARED else [],
        references=expand(REFERENCE, trial=TRIALS, reference=REFERENCES),
        tests=expand(TESTS, trial=TRIALS, importance=STUDY["importance"]),
    output:
        STUDY_FILE,
    log:
        f"{LOGS}/collect_study.log",
    benchmark:
        f"{TIMES}/collect_study.tsv"
    localrule: True
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        config=STUDY_CONFIG,
        code=code_digest("collect_study"),
    message:
        "Study: gather all trials in {output}"
    script:
        "../scripts/collect_study.py"
