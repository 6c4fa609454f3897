"""What racing costs in certainty, measured on synthetic studies.

    python benchmarks/racing.py                     every table
    python benchmarks/racing.py --studies 0         the studies of results/reference alone

Prints tables and writes nothing; docs/statistics.md holds what it printed. The trials are those of
simulated_trials.py, raced by the code that races a study. Beside each race stands what the same
trainings give without one: fewer replicates of every lambda. The studies of results/reference were
trained whole: of each the race is replayed on the measures in its file, which are those that it
would have trained.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from coverage import by_kept
from shared.simulated_trials import NOISES, Trial, draw_trial, expected, true_best

from ewc_lambda.inference import best_lambda as st
from ewc_lambda.inference.across_trials import study_best_lambda
from ewc_lambda.inference.replicates import best_column, complete, trained
from ewc_lambda.inference.resolving import resolved
from ewc_lambda.reporting.answers import answer_trial
from ewc_lambda.reporting.verdicts import verdicts
from ewc_lambda.results.searches import Search, searches, spacing
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.racing import doubts, race

REFERENCE = Path(__file__).resolve().parents[1] / "results/reference"

Design = tuple[int, int, int]

# replicates, steps, rounds
DESIGNS: tuple[Design, ...] = ((8, 8, 2), (10, 9, 2), (16, 12, 3))
NAMES = ("parabola", "plateaus", "cliff")


def share(trial: Trial) -> float:
    """Trainings of a race as a share of those without one."""
    return float(trained(trial.y).sum() / trial.y.size)


def ends(trial: Trial, truth: float) -> tuple[bool, float]:
    """Whether the interval of the best lambda holds the truth, and its width in decades."""
    low, high = by_kept(trial, np.random.default_rng(0))
    return low <= truth <= high, high - low


def table_best(studies: int) -> None:
    print(
        "\nRacing: trainings, as a share of those without; trials in which the best lambda of the"
    )
    print("grid was dropped, in % (mean of how much lower it was than the best kept); interval of")
    print("the best lambda, coverage in % (median width in decades)")
    print(
        f"{'curve':9} {'noise':7} {'R':>2} {'grid':>5}{'trained':>9}{'dropped':>13}"
        f"{'all':>13}{'raced':>13}{'as many':>13}{'R of it':>8}"
    )
    for name in NAMES:
        for label, noise in NOISES.items():
            truth = true_best(name, noise)
            for design in DESIGNS:
                rows, behind = [], []
                rng = np.random.default_rng(20250108)
                for _ in range(studies):
                    whole = draw_trial(rng, name, noise, design)
                    some = draw_trial(rng, name, noise, design, racing=True)
                    means = expected(name, noise, some.x)
                    kept = complete(some.y)
                    dropped = not kept[means.argmin()]
                    if dropped:
                        behind.append(means[kept].min() - means.min())
                    rows.append((share(some), dropped, *ends(whole, truth), *ends(some, truth)))
                table = np.array(rows)
                fewer = max(2, round(design[0] * table[:, 0].mean()))
                plain = np.array(
                    [
                        ends(draw_trial(rng, name, noise, (fewer, *design[1:])), truth)
                        for _ in range(studies)
                    ]
                )
                lost = f"{100 * table[:, 1].mean():.1f} ({np.mean(behind) if behind else 0:.3f})"
                cells = ((table[:, 2], table[:, 3]), (table[:, 4], table[:, 5]), plain.T)
                print(
                    f"{name:9} {label:7} {design[0]:2d} {design[1]:2d}x{design[2]:<2d}"
                    f"{table[:, 0].mean():9.2f}{lost:>13}"
                    + "".join(f"{100 * np.mean(c):7.1f}({np.median(w):4.2f})" for c, w in cells)
                    + f"{fewer:8d}",
                    flush=True,
                )


def table_statements(studies: int) -> None:
    print(
        "\nOther statements on plateaus, raced and with as many trainings of fewer replicates: gain"
    )
    print(
        "over lambda = 0, coverage in % (median half width); the set that cannot be told from the"
    )
    print(
        "best, % that hold the best of the grid; resolved, in % of trials. And flat and half flat"
    )
    print("curves, raced: called resolved in % of trials, at most 5")
    print(
        f"{'noise':7} {'R':>2} {'grid':>5}{'gain raced':>15}{'as many':>15}{'set raced':>11}"
        f"{'resolved raced':>16}{'as many':>9}{'R of it':>8}{'flat':>6}{'half flat':>11}"
    )
    for label, noise in NOISES.items():
        truth = 7.3 - float(expected("plateaus", noise, np.array(true_best("plateaus", noise)))[0])

        def gained(trial: Trial, truth: float = truth) -> tuple[bool, float]:
            found = st.gain(trial.y, trial.zero)
            return found.low <= truth <= found.high, (found.high - found.low) / 2

        def said(trial: Trial) -> bool:
            return resolved(10.0 ** trial.x[trial.first], trial.y[:, trial.first]).resolved

        for design in DESIGNS:
            rng = np.random.default_rng(20250109)
            rows = []
            for _ in range(studies):
                trial = draw_trial(rng, "plateaus", noise, design, racing=True)
                inside = st.indistinguishable(10.0**trial.x, trial.y).lambdas
                best = 10.0 ** trial.x[expected("plateaus", noise, trial.x).argmin()]
                level = [
                    said(draw_trial(rng, name, noise, (*design[:2], 1), racing=True))
                    for name in ("flat", "half_flat")
                ]
                held = np.isclose(inside, best).any()
                rows.append((share(trial), *gained(trial), held, said(trial), *level))
            table = np.array(rows)
            fewer = max(2, round(design[0] * table[:, 0].mean()))
            plain = [draw_trial(rng, "plateaus", noise, (fewer, *design[1:])) for _ in rows]
            other = np.array([(*gained(trial), said(trial)) for trial in plain])
            _, right, _, held, decided, flat, half = 100 * table.mean(axis=0)
            print(
                f"{label:7} {design[0]:2d} {design[1]:2d}x{design[2]:<2d}"
                f"{right:8.1f} ({np.median(table[:, 2]):4.2f})"
                f"{100 * other[:, 0].mean():8.1f} ({np.median(other[:, 1]):4.2f})"
                f"{held:11.1f}{decided:16.1f}{100 * other[:, 2].mean():9.1f}{fewer:8d}"
                f"{flat:6.1f}{half:11.1f}",
                flush=True,
            )


def replayed(study: Study, whole: Search) -> tuple[Search, int, int] | None:
    """A search of a study as a race would have left it, and the trainings with and without. None
    where the race finds another best in a round that another one followed, at lambdas that the
    study did not train. The last round is taken as the last of the race too.
    """
    rows = study.steps[
        (study.steps["trial"] == whole.trial) & (study.steps["importance"] == whole.importance)
    ]
    measures, trained_before, spent, full = [], {}, 0, 0
    for number in sorted(rows["round"].unique()):
        steps = rows[rows["round"] == number]
        values = study.measures(steps).T
        lambdas = steps["lambda"].to_numpy()
        met = {
            step: values[: trained_before[value], step]
            for step, value in enumerate(lambdas)
            if value in trained_before
        }
        found = race(
            dict(enumerate(doubts(len(lambdas), first_round=bool(number == 0)))),
            len(values),
            met,
            lambda running, part, values=values: {step: values[part, step] for step in running},
        )
        kept = np.array([len(found[step]) for step in range(len(lambdas))])
        raced = np.where(np.arange(len(values))[:, None] < kept, values, np.nan)
        last = number == rows["round"].max()
        if best_column(raced) != best_column(values) and not last:
            return None
        spent += sum(int(kept[step]) for step in range(len(lambdas)) if step not in met)
        full += len(values) * (len(lambdas) - len(met))
        trained_before = dict(zip(lambdas, kept, strict=True))
        measures.append(raced)
    table = np.concatenate(measures, axis=1)
    first = measures[0]
    return replace(whole, measures=table, first_measures=first, wide_measures=first), spent, full


def table_reference() -> None:
    print("\nStudies of results/reference, whole and raced: best lambda (95% interval), resolved;")
    print("trainings of the race as a share of all")
    for path in sorted(REFERENCE.glob("*/study.h5")):
        study = Study.read(path)
        if study.config["randomness"] != "common" or study.replicate_range[1] < 4:
            continue
        for importance in study.importances:
            total, all_, trials = 0, 0, 0
            estimates: list[list[float]] = [[], []]
            for search in searches(study, importance):
                found = replayed(study, search)
                if found is None:
                    print(
                        f"{study.name:22}{importance:24}trial {search.trial}  "
                        "the race finds another best and goes on elsewhere"
                    )
                    continue
                raced, spent, full = found
                total, all_, trials = total + spent, all_ + full, trials + 1
                cells = []
                for place, each in enumerate((search, raced)):
                    said = answer_trial(study, each, *verdicts(study, [each]))
                    best = said.best
                    estimates[place].append(best.estimate)
                    cells.append(
                        f"{best.estimate:9.4g} ({best.low:8.4g} to {best.high:8.4g}) "
                        f"{'yes' if said.resolved.resolved else 'no':3}"
                    )
                print(
                    f"{study.name:22}{importance:24}trial {search.trial}  {'   '.join(cells)}"
                    f"   {spent:4d} of {full:4d} = {spent / full:.2f}"
                )
            if not trials:
                continue
            cells = []
            for values in estimates:
                over = study_best_lambda(values, spacing(study))
                cells.append(f"{over.estimate:9.4g} ({over.low:8.4g} to {over.high:8.4g})    ")
            print(
                f"{study.name:22}{importance:24}{trials:2d} trials{'   '.join(cells)}"
                f"   {total:4d} of {all_:4d} = {total / all_:.2f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies per row")
    studies = parser.parse_args().studies
    start = time.process_time()
    table_reference()
    if not studies:
        return
    table_best(studies)
    table_statements(studies)
    print(f"\n{studies} studies per row, {time.process_time() - start:.0f} s CPU")


if __name__ == "__main__":
    main()
