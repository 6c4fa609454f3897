"""Rule: prepare_data."""

from ewc_lambda.store.rights import keeps_rights

if not keeps_rights(".snakemake"):
    raise WorkflowError(
        f"{Path.cwd()}: this disk refuses to change the rights of files (SMB and FUSE may), and "
        f"Snakemake cannot keep its records on it. Put the checkout on another disk; its folder "
        f"results may be a link to this one."
    )


rule prepare_data:
    input:
        unpack(made_from("data")),
    output:
        FILES.record("data"),
    log:
        f"{LOGS}/prepare_data.log",
    benchmark:
        f"{TIMES}/prepare_data.tsv"
    localrule: True
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        **FILES.made_by("data"),
        place=FILES.place,
    message:
        "Data: read {params.config[dataset]} and split its tasks"
    script:
        "../scripts/prepare_data.py"
