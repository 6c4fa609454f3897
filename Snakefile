"""Entry point: `snakemake --cores 8` in this folder runs the study of config/config.yaml."""


include: "workflow/Snakefile"


# An included file's default target is dropped, so this file has one of its own.
rule all:
    default_target: True
    input:
        rules.study.input,
