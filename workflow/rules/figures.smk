"""Rules: draw_measure_over_lambda, draw_bracket, draw_curves, draw_importance, make_tables.

All of them read the study file and nothing else. How to read a figure is in its caption
(workflow/report).
"""


report: "../report/workflow.rst"


rule draw_measure_over_lambda:
    input:
        study=STUDY_FILE,
    output:
        png=report(
            f"{RESULTS}/figures/measure_over_lambda.png",
            caption="../report/measure_over_lambda.rst",
            category="2 Figures",
            labels={"figure": "1 measure over lambda", "format": "PNG"},
        ),
        svg=report(
            f"{RESULTS}/figures/measure_over_lambda.svg",
            caption="../report/measure_over_lambda.rst",
            category="2 Figures",
            labels={"figure": "1 measure over lambda", "format": "SVG"},
        ),
    log:
        f"{LOGS}/draw_measure_over_lambda.log",
    benchmark:
        f"{TIMES}/draw_measure_over_lambda.tsv"
    localrule: True
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        figure="measure_over_lambda",
        code=code_digest("draw_figure"),
    message:
        "Figure: {params.figure}"
    script:
        "../scripts/draw_figure.py"


use rule draw_measure_over_lambda as draw_bracket with:
    output:
        png=report(
            f"{RESULTS}/figures/bracket.png",
            caption="../report/bracket.rst",
            category="2 Figures",
            labels={"figure": "2 bracket over rounds", "format": "PNG"},
        ),
        svg=report(
            f"{RESULTS}/figures/bracket.svg",
            caption="../report/bracket.rst",
            category="2 Figures",
            labels={"figure": "2 bracket over rounds", "format": "SVG"},
        ),
    log:
        f"{LOGS}/draw_bracket.log",
    benchmark:
        f"{TIMES}/draw_bracket.tsv"
    params:
        figure="bracket",
        code=code_digest("draw_figure"),


use rule draw_measure_over_lambda as draw_curves with:
    output:
        png=report(
            f"{RESULTS}/figures/curves.png",
            caption="../report/curves.rst",
            category="2 Figures",
            labels={"figure": "3 loss and accuracy over epochs", "format": "PNG"},
        ),
        svg=report(
            f"{RESULTS}/figures/curves.svg",
            caption="../report/curves.rst",
            category="2 Figures",
            labels={"figure": "3 loss and accuracy over epochs", "format": "SVG"},
        ),
    log:
        f"{LOGS}/draw_curves.log",
    benchmark:
        f"{TIMES}/draw_curves.tsv"
    params:
        figure="curves",
        code=code_digest("draw_figure"),


use rule draw_measure_over_lambda as draw_importance with:
    output:
        png=report(
            f"{RESULTS}/figures/importance.png",
            caption="../report/importance.rst",
            category="2 Figures",
            labels={"figure": "4 importance measures compared", "format": "PNG"},
        ),
        svg=report(
            f"{RESULTS}/figures/importance.svg",
            caption="../report/importance.rst",
            category="2 Figures",
            labels={"figure": "4 importance measures compared", "format": "SVG"},
        ),
    log:
        f"{LOGS}/draw_importance.log",
    benchmark:
        f"{TIMES}/draw_importance.tsv"
    params:
        figure="importance",
        code=code_digest("draw_figure"),


rule make_tables:
    input:
        study=STUDY_FILE,
    output:
        text=report(
            f"{RESULTS}/tables/answer.txt",
            caption="../report/answer.rst",
            category="1 Answer",
            labels={"table": "1 answer in words"},
        ),
        answer=report(
            f"{RESULTS}/tables/answer.csv",
            caption="../report/answer_table.rst",
            category="1 Answer",
            labels={"table": "2 answer in numbers"},
        ),
        trials=report(
            f"{RESULTS}/tables/trials.csv",
            caption="../report/trials.rst",
            category="3 Tables",
            labels={"table": "2 trials"},
        ),
        lambdas=report(
            f"{RESULTS}/tables/lambdas.csv",
            caption="../report/lambdas.rst",
            category="3 Tables",
            labels={"table": "3 lambdas"},
        ),
        metrics=report(
            f"{RESULTS}/tables/metrics.csv",
            caption="../report/metrics.rst",
            category="3 Tables",
            labels={"table": "4 metrics of the field"},
        ),
        importance=report(
            f"{RESULTS}/tables/importance.csv",
            caption="../report/importance_table.rst",
            category="3 Tables",
            labels={"table": "5 importance measures"},
        ),
        page=report(
            f"{RESULTS}/tables/tables.html",
            caption="../report/tables_page.rst",
            category="3 Tables",
            labels={"table": "1 all tables, to look at"},
        ),
        config=report(
            f"{RESULTS}/tables/config.yaml",
            caption="../report/config.rst",
            category="4 Config and provenance",
            labels={"file": "1 config"},
        ),
        provenance=report(
            f"{RESULTS}/tables/provenance.yaml",
            caption="../report/provenance.rst",
            category="4 Config and provenance",
            labels={"file": "2 provenance"},
        ),
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
        code=code_digest("make_tables"),
    message:
        "Tables: {output.answer} and those beside it"
    script:
        "../scripts/make_tables.py"


FIGURES = [
    rules.draw_measure_over_lambda.output,
    rules.draw_bracket.output,
    rules.draw_curves.output,
    rules.draw_importance.output,
]
TABLES = [rules.make_tables.output]

# Snakemake's own message would name the file, and not what makes it.
if any(word.split("=")[0] == "--report" for word in sys.argv):
    for path in [STUDY_FILE, *sum(FIGURES, [])]:
        if not Path(path).exists():
            raise WorkflowError(
                f"There is nothing to report yet: {path} is missing. Run the same command without "
                f"--report first, or `make report`, which does both."
            )
