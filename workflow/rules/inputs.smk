"""The inputs and outputs of the rules, from the table of files (ewc_lambda/results/kinds.py)."""

import functools

from snakemake.settings.enums import RerunTrigger

from ewc_lambda.reporting import contents
from ewc_lambda.results.drawn import Drawing, drawing_stands, drawn_by
from ewc_lambda.results.sources import Sources, inputs

# What is drawn from the study file alone, by name: its record, its files, its code.
DRAWINGS = {
    name: Drawing(f"{RESULTS}/drawn/{name}.json", paths, scripts)
    for name, paths, scripts in (
        *(
            (
                figure,
                [f"{RESULTS}/figures/{figure}.{kind}" for kind in ("png", "svg")],
                ["draw_figure", f"ewc_lambda.reporting.plotting.{figure}"],
            )
            for figure in contents.FIGURES
        ),
        (
            "tables",
            [f"{RESULTS}/tables/{file}" for kind in contents.WRITTEN for file in kind.titles],
            ["make_tables", *(f"ewc_lambda.reporting.tables.{name}" for name in contents.TABLES)],
        ),
    )
}


def made_from(kind):
    """An input function: what a file of a kind is made from."""
    return lambda wildcards: job_inputs([FILES.product(kind, **wildcards)])


def steps_made_from(steps):
    """An input function: what some steps of a round are made from, in one job."""
    return lambda wildcards: job_inputs(
        [FILES.product("step", **{**wildcards, "step": step}) for step in steps]
    )


def job_inputs(products):
    """Inputs of the job that makes some files.

    Where all of them stand, the job is none: times of its inputs are not looked at, and one that
    is missing is not asked for here (it is in `lost_files`). Where one does not stand, the job
    runs after all that it needs, and makes anew what is there.
    """
    # What the files say decides what is made anew (docs/how-it-works.md), whatever a profile says.
    workflow.dag_settings.rerun_triggers = frozenset({RerunTrigger.MTIME})
    named = list(inputs(Sources(FILES, PLAN).of(products[0])))
    if PLAN is None:
        return {name: paths for name, _, paths in named}
    if PLAN.stand(products) and not is_forced(products):
        return {name: ancient(paths) for name, of, paths in named if PLAN.stand(of)}
    workflow.dag.forcefiles.update(PLAN.replaced(products))
    return {name: paths for name, _, paths in named}


def is_forced(products):
    """Whether the command line asks for a job though all that it makes stands: -F, -R or -f."""
    paths = {path for product in products for path in product.paths}
    rules_ = workflow.dag.forcerules
    named = any(rule.is_producer(path) for rule in rules_ for path in paths)
    return named or not paths.isdisjoint(workflow.dag.forcefiles)


def outputs(kind):
    """Outputs of a job: the record, and the weights where they are kept."""
    weights = FILES.weights(kind)
    return {"record": FILES.record(kind)} | ({"weights": weights} if weights else {})


def step_outputs(steps):
    """Outputs of a job that trains some steps of a round."""
    weights = FILES.weights("step")
    named = {"records": FILES.record("step")} | ({"weights": weights} if weights else {})
    return {name: expand(path, step=steps, allow_missing=True) for name, path in named.items()}


FIRST = "|".join(map(str, range(STUDY["first_trials"] or 0)))


def blocks():
    """Blocks of steps that a job trains: the name's ending, of which trials, and which steps."""
    kinds = {"": (FIRST or r"\d+", STUDY["steps"])}
    if FIRST:
        kinds["_later"] = (rf"(?!(?:{FIRST})(?!\d))\d+", STUDY["later_steps"])
    for ending, (trials, steps) in kinds.items():
        for first in range(0, steps, STEPS_PER_JOB):
            yield ending, trials, range(steps)[first : first + STEPS_PER_JOB]


def drawn_from(name):
    """An input function: the study file, of a figure or the tables. Its time is not looked at where
    what was drawn shows that very file.
    """

    def inputs(wildcards):
        drawing = DRAWINGS[name]
        code = drawn_by(drawing.scripts)["code"]
        stands = PLAN is None or PLAN.stand([FILES.product("study")])
        if stands and drawing_stands(drawing.record, STUDY_FILE, drawing.paths, code):
            return {"study": ancient(STUDY_FILE)}
        if workflow.is_main_process and (there := list(filter(os.path.exists, drawing.paths))):
            if stands:
                say_once(
                    f"{there[0]}: not as it was drawn from {STUDY_FILE} by this code. Drawn anew."
                )
            workflow.dag.forcefiles.update(there)
        return {"study": STUDY_FILE}

    return inputs


@functools.cache
def say_once(line):
    """Snakemake asks for a job's inputs many times."""
    logger.warning(line)


def lost_files(wildcards):
    """Files that are missing although what was made from them stands: no job asks for them."""
    return PLAN.lost() if PLAN else []
