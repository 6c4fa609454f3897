"""The runs of a table: numbers checked, lambdas that are one joined, and how they belong together.

Two runs of one seed at two lambdas are a pair where seeds are shared by all lambdas. The paired
statistics hold for runs that only bear the same number, too, and are then a little wider; those for
runs of their own do not hold for pairs. So labels that all lambdas share are taken for seeds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ewc_lambda.errors import StudyError
from ewc_lambda.results.sweep_columns import HIGHER_IS_BETTER, Columns, plain

# What a config can hold.
LARGEST = 1e30
# Lambdas that span as much are meant as factors.
DECADE = 10.0
# Lambdas that differ by less than this share are one, spelled or computed in two ways.
ROUNDING = 1e-9

RUN = ["group", "trial", "lambda"]


def clean_runs(table: pd.DataFrame, columns: Columns, where: str) -> tuple[pd.DataFrame, list[str]]:
    """A row for each run that has a measure: group, trial, lambda, seed, measure and row (its
    number in the table, from 1); and notes on what was left out.

    Raises:
        StudyError: a cell is no number, or a run has no lambda, seed, trial or group.

    """
    rows = np.arange(1, len(table) + 1)
    runs = pd.DataFrame({"row": rows})
    runs["lambda"] = _numbers(table[columns.lam], where)
    runs["measure"] = _numbers(table[columns.measure], where)
    for name, column, alone in (
        ("group", columns.group, "sweep"),
        ("trial", columns.trial, 0),
        ("seed", columns.seed, None),
    ):
        runs[name] = alone if column is None else table[column].to_numpy()
        if column is not None:
            _refuse(table[column].isna(), where, f"column {column} is empty")
    at = runs["lambda"]
    _refuse(at.isna(), where, f"column {columns.lam} (lambda) is empty")
    _refuse(
        (at < 0) | (at > LARGEST),
        where,
        f"column {columns.lam} (lambda) is below 0 or above {LARGEST:g}",
    )
    notes = []
    if missing := int(runs["measure"].isna().sum()):
        first = rows[runs["measure"].isna()][:3]
        notes.append(
            f"{missing} of {len(runs)} rows have no {columns.measure} and are left out (row "
            f"{', '.join(map(str, first))}{' ...' if missing > 3 else ''}); write inf for a run "
            f"that diverged"
        )
        runs = runs[runs["measure"].notna()]
    runs["lambda"], joined = _joined(runs["lambda"])
    if joined:
        notes.append(f"{joined} lambdas that differ by rounding alone are one with their neighbour")
    return runs, notes


def _numbers(cells: pd.Series, where: str) -> pd.Series:
    found = pd.to_numeric(cells, errors="coerce").reset_index(drop=True).astype(float)
    text = found.isna() & cells.notna().reset_index(drop=True)
    if text.any():
        row = int(text.to_numpy().argmax())
        raise StudyError(
            f"{where}: column {cells.name}, row {row + 1}: {cells.iloc[row]!r} is no number "
            f"({int(text.sum())} such cells). Allowed: numbers with a decimal point, inf for a run "
            f"that diverged, and empty cells."
        )
    return found


def _refuse(bad: pd.Series, where: str, what: str) -> None:
    if bad.any():
        row = int(bad.to_numpy().argmax()) + 1
        raise StudyError(f"{where}: {what} in row {row} ({int(bad.sum())} such rows)")


def _joined(lambdas: pd.Series) -> tuple[pd.Series, int]:
    known = np.unique(lambdas)
    starts = np.r_[True, np.diff(known) > ROUNDING * np.abs(known[1:])]
    first = known[starts][np.cumsum(starts) - 1]
    return lambdas.map(dict(zip(known, first, strict=True))), int((~starts).sum())


def lower_is_better(
    values: pd.Series, column: str, maximize: bool | None
) -> tuple[pd.Series, str, list[str]]:
    """Measures of which lower is better, their name, and notes. None for ``maximize``: by its name.

    What is to be high is turned into one minus it where it is a share, and into its negative else.
    """
    notes = []
    if maximize is None:
        maximize = bool(HIGHER_IS_BETTER.search(plain(column)))
        option = "--minimize" if maximize else "--maximize"
        notes.append(f"{'higher' if maximize else 'lower'} is better ({option} turns it)")
    if not maximize:
        return values, column, notes
    share = bool(values.between(0, 1).all())
    # A run that diverged is the worst whatever is measured.
    turned = (1.0 if share else 0.0) - values
    turned = turned.where(np.isfinite(values), np.inf)
    return turned, f"{'1 ' if share else ''}\N{MINUS SIGN} {column}".strip(), notes


def find_spacing(
    runs: pd.DataFrame, spacing: str | None, where: str
) -> tuple[pd.DataFrame, str, list[str]]:
    """The runs that have a place on the scale of lambda, the scale, and notes. None: a log scale
    for lambdas without 0 that span a decade, and else the scale on which they lie more evenly.

    Raises:
        StudyError: fewer than three lambdas are left.

    """
    notes = []
    known = np.unique(runs["lambda"])
    if spacing is None:
        spacing = _fitting(known)
        other = "linear" if spacing == "log" else "log"
        notes.append(f"lambda on a {spacing} scale (--spacing {other} takes the other)")
    if spacing == "log" and known[0] == 0:
        zero = runs["lambda"] == 0
        notes.append(
            f"lambda = 0 has no place on a log scale: its {_runs(int(zero.sum()))} left out"
        )
        runs, known = runs[~zero], known[1:]
    if len(known) < 3:
        raise StudyError(f"{where}: {len(known)} lambdas with a measure; at least 3 are needed")
    return runs, spacing, notes


def _runs(count: int) -> str:
    return f"{count} run{'s are' if count > 1 else ' is'}"


def _fitting(known: np.ndarray) -> str:
    if known[0] > 0 and known[-1] >= DECADE * known[0]:
        return "log"
    positive = known[known > 0]
    if len(positive) > 2 and _unevenness(np.log(positive)) < _unevenness(known):
        return "log"
    return "linear"


def _unevenness(at: np.ndarray) -> float:
    gaps = np.diff(at)
    return float(gaps.std() / gaps.mean())


def find_pairs(
    runs: pd.DataFrame, seed: str | None, paired: bool | None, where: str
) -> tuple[pd.DataFrame, bool, str]:
    """The runs that count, whether they are pairs, and a note that says so. None for ``paired``:
    as the seeds are.

    Raises:
        StudyError: a seed stands twice at a lambda, or seeds are shared by some lambdas only.

    """
    if seed is None:
        if paired:
            raise StudyError(f"{where}: pairs need a column of seeds. Name it with --seed COLUMN.")
        if runs.groupby(RUN).size().max() == 1:
            return runs, True, "one run for each lambda: no interval within a trial"
        return runs, False, _note(runs, "not paired: no column of seeds")
    if paired is False:
        return runs, False, _note(runs, "not paired, as asked")
    twice = runs.duplicated([*RUN, "seed"], keep=False)
    if twice.any():
        first = runs[twice].iloc[0]
        raise StudyError(
            f"{where}: {seed} {first['seed']} stands twice at lambda = {first['lambda']:g} (row "
            f"{first['row']}). Name the column that tells such runs apart with --trial or --group, "
            f"or another one with --seed."
        )
    shared = runs.groupby(["group", "trial", "seed"])["lambda"].nunique() > 1
    if paired is None and not shared.any():
        return runs, False, _note(runs, f"not paired: every run has a {seed} of its own")
    common = _at_all_lambdas(runs)
    several = runs.groupby(["group", "trial"])["seed"].nunique() > 1
    left_over = common.groupby(["group", "trial"])["seed"].nunique().reindex(several.index)
    if (left_over.fillna(0) < 1 + several).any():
        raise StudyError(
            f"{where}: each {seed} was run at some lambdas and not at others, so that the "
            f"lambdas share fewer than two of them. Leave out lambdas, or say with --unpaired that "
            f"runs of one {seed} have nothing in common."
        )
    note = f"paired: {seed} is shared by all lambdas"
    if left := len(runs) - len(common):
        note += f" ({left} rows of a {seed} that some lambda lacks are left out)"
    return common, True, _note(common, note)


def _at_all_lambdas(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the seeds that all lambdas of a trial have: of all groups, where these share two
    seeds at least, so that they are compared seed by seed.
    """
    own = runs.groupby(["group", "trial"])["lambda"].transform("nunique")
    whole = runs[runs.groupby(["group", "trial", "seed"])["lambda"].transform("nunique") == own]
    groups = runs.groupby("trial")["group"].transform("nunique")[whole.index]
    common = whole[whole.groupby(["trial", "seed"])["group"].transform("nunique") == groups]
    shared = common.groupby("trial")["seed"].nunique().reindex(runs["trial"].unique()).fillna(0)
    return common if (shared > 1).all() else whole


def _note(runs: pd.DataFrame, what: str) -> str:
    count = runs.groupby(RUN).size()
    fewest, most = int(count.min()), int(count.max())
    span = str(most) if fewest == most else f"{fewest} to {most}"
    return f"{what}; {span} run{'s' * (most > 1)} for each lambda"
