"""Which column of a table is what: lambda, measure, seed, trial; named by the user or by its name.

What was guessed is said in notes, a line each, so that nobody has to trust it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from ewc_lambda.errors import StudyError

LAMBDA = (
    *("lambda", "lam", "lmbda", "lambd", "lamda", "λ", "ewc_lambda", "lambda_ewc", "ewc"),
    *("reg_lambda", "lambda_reg", "reg", "reg_strength", "reg_weight", "reg_coef", "reg_coeff"),
    *("regularization", "regularisation", "regularization_strength", "regularisation_strength"),
    *("strength", "penalty", "penalty_weight", "ewc_weight", "ewc_strength", "ewc_importance"),
)
SEED = (
    *("seed", "random_seed", "random_state", "rng", "run", "run_id", "replicate", "rep", "reps"),
    *("repeat", "repetition", "repeat_id"),
)
TRIAL = (
    *("trial", "model", "base", "base_model", "base_seed", "model_seed", "init", "init_seed"),
    *("order", "data_order", "task_order", "order_seed", "fold"),
)
# Numbers that stand in such tables and are no measure.
ASIDE = (
    *("index", "number", "id", "epoch", "epochs", "step", "steps", "iteration", "time", "seconds"),
    *("duration", "runtime", "timestamp", "date", "level_0", "learning_rate", "lr", "batch_size"),
)
HIGHER_IS_BETTER = re.compile(
    r"(^|_)(acc|accuracy|auc|auroc|f1|score|r2|reward|return|precision|recall|bwt|fwt)(_|\d|$)"
)
# What tools put before the names of parameters and results in their tables.
_PREFIX = re.compile(r"^(params?|config|hparams?|metrics?|summary)_(?=.)")
# Columns that are listed by name, at most.
MOST_NAMED = 8
_SERIES = re.compile(r"^(.*?)(\d+)$")


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns; None where there is none."""

    lam: str
    measure: str
    seed: str | None
    trial: str | None
    group: str | None


def plain(name: object) -> str:
    """A column's name in the form in which names are compared: config.Lambda is lambda."""
    return _PREFIX.sub("", re.sub(r"[^\w]+", "_", str(name).strip().lower()).strip("_"))


def find_columns(
    table: pd.DataFrame,
    where: str,
    *,
    lam: str | None = None,
    metric: str | None = None,
    seed: str | None = None,
    trial: str | None = None,
    group: str | None = None,
) -> tuple[Columns, list[str]]:
    """The columns of a table, those given and those guessed, and notes on the guesses.

    Raises:
        StudyError: a column that was named is not there, one that is needed is not found, or
            several may be it; says which option names it.

    """
    options = {"lambda": lam, "metric": metric, "seed": seed, "trial": trial, "group": group}
    given = _checked(table, where, options)
    free = [name for name in table.columns if name not in given]
    notes = []
    if lam is None:
        lam = _one(free, LAMBDA, where, "lambda", "--lambda")
        if lam is None:
            raise StudyError(
                f"{where}: no column is lambda by its name. Name it with --lambda COLUMN. "
                f"{_there(table.columns)}"
            )
        free.remove(lam)
        notes.append(f"lambda is column {lam}")
    if seed is None and (seed := _one(free, SEED, where, "the seed", "--seed")):
        free.remove(seed)
        notes.append(f"the seed is column {seed}")
    if trial is None and (trial := _one(free, TRIAL, where, "the trial", "--trial")):
        free.remove(trial)
        if table.groupby(trial)[lam].nunique().max() < 2:
            # A tuner's number of the run.
            notes.append(f"column {trial} has one lambda for each of its values: no trial, left")
            trial = None
        else:
            notes.append(f"the trial (base model) is column {trial}")
    if metric is None:
        metric, why = _measure(table[free], where)
        free.remove(metric)
        notes.append(f"the measure is column {metric}{why}")
    # What tells runs apart and was not named would be averaged over.
    if unused := [str(name) for name in free if _stem(name) != _stem(metric)]:
        more = f" and {len(unused) - MOST_NAMED} more" if len(unused) > MOST_NAMED else ""
        notes.append(f"not used: {', '.join(unused[:MOST_NAMED])}{more}")
    return Columns(lam, metric, seed, trial, group), notes


def _checked(table: pd.DataFrame, where: str, options: Mapping[str, str | None]) -> list[str]:
    """The columns that were named."""
    if table.empty:
        raise StudyError(f"{where}: holds no rows")
    if twice := sorted({str(name) for name in table.columns[table.columns.duplicated()]}):
        raise StudyError(f"{where}: two columns have the name {', '.join(twice)}. Rename one.")
    given = [name for name in options.values() if name is not None]
    for option, name in options.items():
        if name is not None and name not in table.columns:
            raise StudyError(f"{where}: --{option} {name}: no such column. {_there(table.columns)}")
    if twice := sorted({name for name in given if given.count(name) > 1}):
        raise StudyError(f"{where}: column {', '.join(twice)} is named twice")
    return given


def _one(free: Iterable[str], names: tuple[str, ...], where: str, what: str, by: str) -> str | None:
    found = [name for name in free if plain(name) in names]
    if len(found) > 1:
        raise StudyError(
            f"{where}: columns {', '.join(map(str, found))} may be {what}. Name one: {by} COLUMN."
        )
    return found[0] if found else None


def _measure(free: pd.DataFrame, where: str) -> tuple[str, str]:
    """The one column that can be the measure, and why it was taken among several."""
    named = [name for name in free.columns if plain(name) not in (*ASIDE, "unnamed_0", "")]
    able = [name for name in named if pd.to_numeric(free[name], errors="coerce").count()]
    if len(able) == 1:
        return able[0], ""
    series = [_SERIES.match(str(name)) for name in able]
    if able and all(series) and len({found[1] for found in series if found}) == 1:
        last = max(able, key=lambda name: int(_SERIES.match(str(name))[2]))  # type: ignore[index]
        return last, f", the last of {len(able)} of its kind (--metric takes another)"
    if not able:
        raise StudyError(
            f"{where}: no column of numbers is left for the measure. Name it: --metric."
        )
    raise StudyError(
        f"{where}: columns {', '.join(map(str, able))} may be the measure. Name one: "
        f"--metric COLUMN."
    )


def _stem(name: object) -> str:
    found = _SERIES.match(str(name))
    return found[1] if found else str(name)


def _there(columns: Iterable[object]) -> str:
    return f"There are: {', '.join(map(str, columns))}."
