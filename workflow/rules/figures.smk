"""Rules: make_tables, and draw_NAME for each figure: measure_over_lambda, bracket, curves,
importance.

All of them read the study file and nothing else. What there is, in which order and under which
title, is in the library's reporting/contents.py; how to read it in its caption (workflow/report).
"""

from ewc_lambda.reporting import contents


report: "../report/workflow.rst"


# A rule for each figure: a caption is a file, whose name takes no wildcard.
for figure, labels in contents.DRAWN.labels().items():

    rule:
        name:
            f"draw_{figure}"
        input:
            unpack(drawn_from(figure)),
        output:
            **{
                kind: report(
                    f"{RESULTS}/figures/{figure}.{kind}",
                    caption=f"../report/figures/{figure}.rst",
                    category=contents.DRAWN.name,
                    labels=labels | {"format": kind.upper()},
                )
                for kind in ("png", "svg")
            },
            record=DRAWINGS[figure].record,
        log:
            f"{LOGS}/draw_{figure}.log",
        benchmark:
            f"{TIMES}/draw_{figure}.tsv"
        localrule: True
        conda:
            "../../envs/study.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            **drawn_by(DRAWINGS[figure].scripts),
            figure=figure,
        message:
            "Figure: {params.figure}"
        script:
            "../scripts/draw_figure.py"


rule make_tables:
    input:
        unpack(drawn_from("tables")),
    output:
        record=DRAWINGS["tables"].record,
        files=[
            report(
                f"{RESULTS}/tables/{file}",
                caption=f"../report/tables/{file}.rst",
                category=category.name,
                labels=labels,
            )
            for category in contents.WRITTEN
            for file, labels in category.labels().items()
        ],
    log:
        f"{LOGS}/make_tables.log",
    benchmark:
        f"{TIMES}/make_tables.tsv"
    localrule: True
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        **drawn_by(DRAWINGS["tables"].scripts),
    message:
        f"Tables: {RESULTS}/tables/answer.csv and those beside it"
    script:
        "../scripts/make_tables.py"


FIGURES = [getattr(rules, f"draw_{figure}").output for figure in contents.FIGURES]
TABLES = [rules.make_tables.output]

# Snakemake's own message would name the file, and not what makes it.
if any(word.split("=")[0] == "--report" for word in sys.argv):
    for path in [STUDY_FILE, *sum(FIGURES, [])]:
        if not Path(path).exists():
            raise WorkflowError(
                f"There is nothing to report yet: {path} is missing. Run the same command without "
                f"--report first, or `make report`, which does both. How far the study is: "
                f"ewc-lambda summary {STUDY['study']}. A page of what there is so far: "
                f"ewc-lambda report {STUDY['study']}"
            )
    if PLAN and PLAN.anew:
        logger.warning(
            "The report shows what is there, which is not what today's config and code make (above)."
            " Run the same command without --report first."
        )
