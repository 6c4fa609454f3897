"""Rule: collect_study."""


rule collect_study:
    input:
        unpack(made_from("study")),
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
        **FILES.made_by("study"),
    message:
        "Study: gather all trials in {output}"
    script:
        "../scripts/collect_study.py"
