"""Study files with known answers, for the tests of what is made from them."""

import numpy as np

from ewc_lambda.results.run_tables import write_tables
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.rounds import decide, grid

EPOCHS = 4


def parabola(x, centre):
    """Measure over x (decades, or lambda): lowest, 10, at the centre."""
    return 10.0 + 0.5 * (x - centre) ** 2


def made_up_study(
    path,
    *,
    trials=3,
    replicates=6,
    importance=("fisher",),
    spacing="log",
    steps=9,
    rounds=2,
    tasks=2,
    low=1.0,
    high=1e6,
    centres=None,
    spread=0.1,
    heights=None,
    curve=parabola,
    curves_of=None,
    expand=False,
    noise=0.0,
    zero=15.0,
    diverged_above=np.inf,
    references=("finetuning", "joint"),
    curves=True,
    tested=True,
    raced=None,
    **config,
):
    """Write and read a study whose replicate r of trial t has its minimum at
    ``centres[t] + spread * z_r``, with z of mean 0, the same for all trials; ``heights`` are added
    to the measures of each importance measure; ``curves_of`` are curves of their own. lambda = 0 is
    5 above the minimum, joint 1 below. ``expand``: the search goes on beyond an end.
    ``raced``: number of replicates of the steps that are more than 1 above the minimum.
    """
    z = np.linspace(-1, 1, replicates) if replicates > 1 else np.zeros(1)
    default = 3.0 if spacing == "log" else (low + high) / 2
    centres = np.full(trials, default) if centres is None else np.asarray(centres, dtype=float)
    heights = heights or {}
    generator = np.random.default_rng(3)
    rows, measures, decisions = [], [], []
    for trial in range(trials):
        for name in importance:
            bracket, searched = (low, high), []
            for round_ in range(rounds):
                lambdas = grid(bracket, steps, spacing, searched)
                x = np.log10(lambdas) if spacing == "log" else np.array(lambdas)
                shape = (curves_of or {}).get(name, curve)
                values = shape(x[:, None], centres[trial] + spread * z) + heights.get(name, 0.0)
                values = values + 0.2 * z + noise * generator.standard_normal(values.shape)
                values[np.array(lambdas) > diverged_above] = np.nan
                found = decide(
                    lambdas,
                    values.mean(axis=1),
                    spacing=spacing,
                    threshold=1e-9,
                    round_=round_,
                    max_rounds=rounds,
                    expand_at_edge=expand,
                    searched=searched,
                )
                searched += lambdas
                rows += [(trial, name, round_, step, v) for step, v in enumerate(lambdas)]
                measures += list(values)
                decisions.append((trial, name, round_, *bracket, found.stop or ""))
                if found.bracket is None:
                    break
                bracket = found.bracket
    lines = [(trial, name) for trial in range(trials) for name in references]
    at_lines = [{"finetuning": zero, "joint": 9.0}[name] + 0.2 * z for _, name in lines]
    tables = {
        "steps": _columns(rows, ("trial", "importance", "round", "step", "lambda"), measures),
        "references": _columns(lines, ("trial", "reference"), at_lines, {"lambda": 0.0}),
        "rounds": _columns(decisions, ("trial", "importance", "round", "low", "high", "stop")),
    }
    if curves:
        for table in ("steps", "references"):
            if tables[table]:
                tables[table] |= _curves(tables[table], tasks)
    if curves and tested:
        searches = [(trial, name) for trial in range(trials) for name in importance]
        chosen = [best_row(rows, measures, *search) for search in searches]
        _add_tests(tables, [row for row in chosen if row is not None], tasks)
    if raced:
        _race(tables["steps"], raced)
    settings = {
        "study": "made_up",
        "trials": trials,
        "replicates": replicates,
        "importance": list(importance),
        "spacing": spacing,
        "steps": steps,
        "epochs": EPOCHS,
        "evaluations_per_epoch": 1,
        "selection_split": "validation",
        "randomness": "common",
    }
    attributes = {
        "content": "study",
        "config": settings | config,
        "tasks": {"names": [f"class {k}" for k in range(tasks)]},
    }
    write_tables(path, {name: table for name, table in tables.items() if table}, attributes)
    return Study.read(path)


def _add_tests(tables, chosen, tasks):
    """The chosen steps on the test split, and the reference lines there."""
    tables["tests"] = {name: np.asarray(values)[chosen] for name, values in tables["steps"].items()}
    for table in ("tests", "references"):
        if tables[table]:
            tables[table] |= _on_test(tables[table], tasks)


def _race(table, replicates):
    means = table["measure"].mean(axis=1)
    lost = means > np.nanmin(means) + 1
    table["replicates"] = np.where(lost, replicates, table["measure"].shape[1])
    for name in ("measure", "loss", "accuracy", "penalty"):
        if name in table:
            table[name][lost, replicates:] = np.nan


def best_row(rows, measures, trial, name):
    """Row of lowest mean measure of a search, None if all diverged."""
    means = {
        row: measures[row].mean()
        for row, labels in enumerate(rows)
        if labels[:2] == (trial, name) and np.isfinite(measures[row]).all()
    }
    return min(means, key=means.get) if means else None


def _columns(rows, names, measures=None, constants=None):
    if not rows:
        return {}
    table = {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}
    for name, value in (constants or {}).items():
        table[name] = np.full(len(rows), value)
    if measures is not None:
        table["measure"] = np.array(measures)
        table["diverged"] = ~np.isfinite(table["measure"]).all(axis=1)
    return table


def _curves(table, tasks):
    """Accuracies: a task is at 0.5 before its training, at 0.9 after it, and loses 0.1 with every
    later task. Losses are one minus accuracy.
    """
    rows, replicates = table["measure"].shape
    evaluation = np.arange(tasks * EPOCHS + 1)
    stage = np.maximum(evaluation - 1, 0) // EPOCHS
    accuracy = np.empty((len(evaluation), tasks))
    for task in range(tasks):
        later = np.maximum(stage - task, 0)
        accuracy[:, task] = np.where(stage < task, 0.5, 0.9 - 0.1 * later)
    accuracy[0] = 0.3
    accuracy = np.broadcast_to(accuracy, (rows, replicates, *accuracy.shape)).copy()
    accuracy[table["diverged"]] = 0.2
    loss = 1 - accuracy
    loss[table["diverged"], :, -1] = np.nan
    return {"accuracy": accuracy, "loss": loss, "penalty": np.zeros(loss.shape[:3])}


def _on_test(table, tasks):
    shape = (*table["measure"].shape, tasks)
    return {"test_loss": np.full(shape, 0.25), "test_accuracy": np.full(shape, 0.8)}
