"""Rules: prepare_data, create_base_model."""

from ewc_lambda.store.rights import keeps_rights

if not keeps_rights(".snakemake"):
    raise WorkflowError(
        f"{Path.cwd()}: this disk refuses to change the rights of files (SMB and FUSE may), and "
        f"Snakemake cannot keep its records on it. Put the checkout on another disk; its folder "
        f"results may be a link to this one."
    )

# A base model is protected from being written, which Snakemake respects, where the disk can.
frozen = protected
if not keeps_rights(RESULTS):
    frozen = str
    if workflow.is_main_process and not workflow.dryrun:
        logger.warning(
            f"{RESULTS}: this disk refuses to change the rights of files (SMB and FUSE may), so base "
            f"models are not protected: with a changed model or data they are made anew, and so is "
            f"what depends on them."
        )


rule prepare_data:
    output:
        DATA,
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
        config=DATA_CONFIG,
        place=part(STUDY, "place"),
        code=code_digest("prepare_data"),
    message:
        "Data: read {params.config[dataset]} and split its tasks"
    script:
        "../scripts/prepare_data.py"


rule create_base_model:
    input:
        unpack(base_inputs),
    output:
        weights=frozen(BASE["weights"]),
        record=frozen(BASE["record"]),
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
        runtime=at_most(10),
    params:
        config=MODEL_CONFIG,
        code=BASE_CODE,
    message:
        "Trial {wildcards.trial}: draw and freeze the base model"
    script:
        "../scripts/create_base_model.py"
