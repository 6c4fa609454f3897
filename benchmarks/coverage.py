"""How often the statistics of a study are right, measured on synthetic studies.

    python benchmarks/coverage.py                     every table
    python benchmarks/coverage.py best --studies 300  one of them, quickly

Prints tables and writes nothing. docs/statistics.md holds what it printed. The trials are those of
simulated_trials.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.special import fdtri, stdtrit
from shared.simulated_trials import NOISES, Trial, draw_trial, expected, parabola, true_best

from ewc_lambda.inference import across_trials as study
from ewc_lambda.inference import best_lambda as st
from ewc_lambda.inference.resolving import resolved
from ewc_lambda.inference.student import Floats, one_sample_t
from ewc_lambda.inference.variance_ratio import variance_ratio

Ends = tuple[float, float]

# replicates, steps, rounds
DESIGNS = ((3, 8, 3), (5, 10, 1), (8, 8, 2), (16, 12, 3))


# ---- candidates for the interval of the best lambda: trial to (low, high), infinite where open


def by_kept(trial: Trial, rng: np.random.Generator) -> Ends:
    ends = trial.x[trial.first]
    found = st.best_lambda(10.0**trial.x, trial.y, "log", (10.0 ** ends[0], 10.0 ** ends[-1]))
    return (
        np.log10(found.low) if found.bounded_low else -np.inf,
        np.log10(found.high) if found.bounded_high else np.inf,
    )


def by_bootstrap(trial: Trial, rng: np.random.Generator) -> Ends:
    n = len(trial.y)
    counts = rng.multinomial(n, np.full(n, 1 / n), 200)
    low, high = np.quantile(trial.x[(counts @ trial.y).argmin(axis=1)], [0.025, 0.975])
    return float(low), float(high)


def by_set(trial: Trial, rng: np.random.Generator) -> Ends:
    """Hull of the multiple comparisons with the best, widened to the neighbours on the grid."""
    inside = st.indistinguishable(10.0**trial.x, trial.y).lambdas
    where = np.searchsorted(trial.x, np.log10(inside) - 1e-6)
    low, high = int(where.min()) - 1, int(where.max()) + 1
    last = len(trial.x) - 1
    return (
        trial.x[low] if low >= 0 else -np.inf,
        trial.x[high] if high <= last else np.inf,
    )


def window(trial: Trial, points: int = 6, steps: float = 2.0) -> tuple[Floats, Floats]:
    """Lambdas around the grid minimum: within `steps` of round 0, at least `points` of them."""
    away = np.abs(trial.x - trial.x[trial.y.mean(axis=0).argmin()])
    pitch = float(np.diff(trial.x[trial.first])[0])
    inside = away <= max(steps * pitch, np.sort(away)[points - 1]) + 1e-9
    return trial.x[inside], trial.y[:, inside]


def by_vertex(trial: Trial, rng: np.random.Generator) -> Ends:
    x, y = window(trial)
    middle = x.mean()
    c2, c1, _ = np.polyfit(x - middle, y.T, 2)
    found = st.mean_interval(middle - c1 / (2 * c2))
    return found.low, found.high


def by_fieller(degree: int) -> Callable[[Trial, np.random.Generator], Ends]:
    """Inverted t test of the slope of one polynomial in a window around the grid minimum."""

    def interval(trial: Trial, rng: np.random.Generator) -> Ends:
        x, y = window(trial)
        middle = (x[0] + x[-1]) / 2
        coefficients = np.polyfit(x - middle, y.T, degree)
        grid = np.linspace(x[0], x[-1], 401) - middle
        powers = grid[:, None] ** np.arange(degree - 1, -1, -1)
        slopes = (coefficients[:-1] * np.arange(degree, 0, -1)[:, None]).T @ powers.T
        rejected = np.flatnonzero(np.abs(one_sample_t(slopes)) > stdtrit(len(y) - 1, 0.975))
        best = int(np.polyval(coefficients.mean(axis=1), grid).argmin())
        below, above = rejected[rejected < best], rejected[rejected > best]
        return (
            float(grid[below[-1]] + middle) if below.size else -np.inf,
            float(grid[above[0]] + middle) if above.size else np.inf,
        )

    return interval


CANDIDATES: dict[str, Callable[[Trial, np.random.Generator], Ends]] = {
    "kept": by_kept,
    "bootstrap": by_bootstrap,
    "set hull": by_set,
    "vertex t": by_vertex,
    "parabola": by_fieller(2),
    "cubic": by_fieller(3),
    "quartic": by_fieller(4),
}


def table_best(studies: int) -> None:
    print("\nBest lambda: coverage in % (share bounded in %, median width in decades)")
    print(f"{'curve':9} {'noise':7} {'R':>2} {'grid':>5}" + "".join(f"{c:>16}" for c in CANDIDATES))
    for name in ("parabola", "plateaus", "cliff"):
        for label, noise in NOISES.items():
            truth = true_best(name, noise)
            for design in DESIGNS:
                rng = np.random.default_rng(20250101)
                ends = np.empty((studies, len(CANDIDATES), 2))
                for s in range(studies):
                    trial = draw_trial(rng, name, noise, design)
                    ends[s] = [method(trial, rng) for method in CANDIDATES.values()]
                covered = 100 * ((ends[..., 0] <= truth) & (truth <= ends[..., 1])).mean(axis=0)
                width = ends[..., 1] - ends[..., 0]
                bounded = 100 * np.isfinite(width).mean(axis=0)
                cells = zip(covered, bounded, np.median(width, axis=0), strict=True)
                print(
                    f"{name:9} {label:7} {design[0]:2d} {design[1]:2d}x{design[2]:<2d}"
                    + "".join(f"{c:6.1f}({b:3.0f},{w:4.2f})" for c, b, w in cells),
                    flush=True,
                )


def table_tails(studies: int) -> None:
    print("\nBest lambda, parabola, shifts that are not normal (sd 0.2 decades): coverage in %")
    replicates = (3, 5, 8, 16)
    print(f"{'shifts':14}" + "".join(f"{f'R = {n}':>8}" for n in replicates))
    x = np.linspace(2.0, 8.0, 10)
    for shifts in ("normal", "student t3", "exponential"):
        rng = np.random.default_rng(20250107)
        cells = []
        for n in replicates:
            drawn = {
                "normal": rng.standard_normal((studies, n, 1)),
                "student t3": rng.standard_t(3, (studies, n, 1)) / np.sqrt(3),
                "exponential": rng.exponential(1.0, (studies, n, 1)) - 1.0,
            }[shifts]
            y = parabola(x - 0.2 * drawn) * (1 + 0.01 * rng.standard_normal((studies, n, 10)))
            held = 0
            for values in y:
                found = st.best_lambda(10.0**x, values)
                above = found.low <= 1e5 or not found.bounded_low
                held += above and (found.high >= 1e5 or not found.bounded_high)
            cells.append(100 * held / studies)
        print(f"{shifts:14}" + "".join(f"{c:8.1f}" for c in cells), flush=True)


# ---- resolved, and the set of lambdas: candidates for choosing the best out of S


def left_out_errors(y: Floats) -> Floats:
    """Standard errors by which each lambda lies above the best of the other replicates."""
    chosen = (y.sum(axis=0) - y).argmin(axis=1)
    return one_sample_t(y - y[np.arange(len(y)), chosen][:, None])


def table_resolved(studies: int) -> None:
    print("\nResolved, in % of trials (flat and half flat: at most 5)")
    print(
        f"{'curve':9} {'noise':7} {'R':>2} {'grid':>5}{'kept':>10}{'naive t':>10}{'left out':>10}"
    )
    for name in ("flat", "half_flat", "plateaus"):
        for label in ("large", "rough"):
            for design in ((3, 8, 1), (5, 10, 1), (8, 20, 1), (16, 12, 1)):
                rng = np.random.default_rng(20250102)
                said = np.empty((studies, 3))
                for s in range(studies):
                    trial = draw_trial(rng, name, NOISES[label], design)
                    found = resolved(10.0**trial.x, trial.y)
                    critical = stdtrit(design[0] - 1, 0.95)
                    held_out = left_out_errors(trial.y)[[0, -1]].min()
                    naive = min(found.low_errors, found.high_errors)
                    said[s] = found.resolved, naive > critical, held_out > critical
                print(
                    f"{name:9} {label:7} {design[0]:2d} {design[1]:2d}x{design[2]:<2d}"
                    + "".join(f"{100 * v:10.1f}" for v in said.mean(axis=0)),
                    flush=True,
                )


def table_set(studies: int) -> None:
    print("\nSet that cannot be told from the best: % that hold the best of the grid (median size)")
    print(f"{'curve':9} {'noise':7} {'R':>2} {'grid':>5}{'kept':>14}{'left out':>14}{'of':>5}")
    for name in ("plateaus",):
        for label, noise in NOISES.items():
            for design in DESIGNS:
                rng = np.random.default_rng(20250103)
                held, size = np.empty((studies, 2)), np.empty((studies, 3))
                for s in range(studies):
                    trial = draw_trial(rng, name, noise, design)
                    best = int(expected(name, noise, trial.x).argmin())
                    kept = np.array(st.indistinguishable(10.0**trial.x, trial.y).lambdas)
                    other = left_out_errors(trial.y) <= stdtrit(design[0] - 1, 0.95)
                    held[s] = np.any(np.isclose(kept, 10.0 ** trial.x[best])), other[best]
                    size[s] = len(kept), other.sum(), len(trial.x)
                h, m = 100 * held.mean(axis=0), np.median(size, axis=0)
                print(
                    f"{name:9} {label:7} {design[0]:2d} {design[1]:2d}x{design[2]:<2d}"
                    f"{h[0]:9.1f} ({m[0]:2.0f}){h[1]:9.1f} ({m[1]:2.0f}){m[2]:5.0f}",
                    flush=True,
                )


def table_gain(studies: int) -> None:
    print("\nGain over lambda = 0: coverage in % (bias in its standard deviations)")
    print(f"{'curve':9} {'noise':7} {'R':>2} {'grid':>5}{'kept':>15}{'lowest mean':>15}")
    for name in ("plateaus",):
        for label, noise in NOISES.items():
            truth = 7.3 - float(expected(name, noise, np.array(true_best(name, noise)))[0])
            for design in DESIGNS:
                rng = np.random.default_rng(20250104)
                rows = np.empty((studies, 2, 3))
                for s in range(studies):
                    trial = draw_trial(rng, name, noise, design)
                    lowest = trial.y[:, trial.y.mean(axis=0).argmin()]
                    for m, found in enumerate(
                        (st.gain(trial.y, trial.zero), st.mean_interval(trial.zero - lowest))
                    ):
                        rows[s, m] = found.estimate, found.low, found.high
                covered = 100 * ((rows[..., 1] <= truth) & (truth <= rows[..., 2])).mean(axis=0)
                bias = (rows[..., 0].mean(axis=0) - truth) / rows[..., 0].std(axis=0)
                print(
                    f"{name:9} {label:7} {design[0]:2d} {design[1]:2d}x{design[2]:<2d}"
                    + "".join(f"{c:7.1f} ({b:5.2f})" for c, b in zip(covered, bias, strict=True)),
                    flush=True,
                )


def table_trials(studies: int) -> None:
    print("\nAcross trials (optimum of a trial: normal, sd 0.3 decades): best lambda and gain,")
    print("coverage in %; resolved in % of studies, of plateaus, flat and half flat curves")
    print(
        f"{'noise':7} {'T':>2} {'R':>2} {'grid':>5}{'best':>8}{'gain':>8}"
        f"{'resolved':>10}{'flat':>8}{'half':>8}"
    )
    for label in ("medium", "rough"):
        noise = NOISES[label]
        truth = true_best("plateaus", noise)
        lowest = float(expected("plateaus", noise, np.array(truth))[0])
        for trials, design in ((3, (8, 8, 2)), (5, (3, 8, 3)), (17, (1, 20, 1))):
            rng = np.random.default_rng(20250105)
            rows = np.empty((studies, 5))
            for s in range(studies):
                drawn = [
                    draw_trial(rng, "plateaus", noise, design, 0.3 * rng.standard_normal())
                    for _ in range(trials)
                ]
                ends = [10.0 ** t.x[t.first][[0, -1]] for t in drawn]
                best = study.study_best_lambda(
                    [
                        st.best_lambda(10.0**t.x, t.y, "log", (e[0], e[1])).estimate
                        for t, e in zip(drawn, ends, strict=True)
                    ]
                )
                first = [(10.0 ** t.x[t.first], t.y[:, t.first]) for t in drawn]
                gain = study.study_gain(
                    [a for a, _ in first],
                    [b for _, b in first],
                    [t.y for t in drawn],
                    [t.zero for t in drawn],
                )
                bottom = study.study_resolved(*zip(*first, strict=True))
                said = []
                for name in ("flat", "half_flat"):
                    once = (*design[:2], 1)
                    level = [draw_trial(rng, name, noise, once) for _ in range(trials)]
                    found = study.study_resolved([10.0**t.x for t in level], [t.y for t in level])
                    said.append(found.resolved)
                rows[s] = (
                    best.low <= 10.0**truth <= best.high,
                    gain.low <= 7.3 - lowest <= gain.high,
                    bottom.resolved,
                    *said,
                )
            b, g, r, f, h = 100 * rows.mean(axis=0)
            print(
                f"{label:7} {trials:2d} {design[0]:2d} {design[1]:2d}x{design[2]:<2d}"
                f"{b:8.1f}{g:8.1f}{r:10.1f}{f:8.1f}{h:8.1f}",
                flush=True,
            )


def table_compare(studies: int) -> None:
    print("\nComparison of 8 equal importance measures with unequal noise: % of studies without a")
    print("false difference, and variance ratio of 10: coverage in % (median high / low)")
    print(f"{'n':>2}{'comparison':>12}{'ratio':>8}{'kept':>18}{'F of one pair':>18}")
    for n in (3, 5, 8, 16):
        rng = np.random.default_rng(20250106)
        scale, spread = np.geomspace(0.02, 1.0, 8), float(fdtri(n - 1, n - 1, 0.975))
        right, rows = [], np.empty((studies, 2, 2))
        for s in range(studies):
            values = rng.standard_normal((n, 1)) + scale * rng.standard_normal((n, 8))
            found = study.rank_importances({str(i): values[:, i] for i in range(8)})
            right.append(not any(d.distinct for d in found.differences))
            common, apart = (
                v * (rng.standard_normal((n, 12)) + rng.standard_normal((n, 1)) * np.arange(12) / 6)
                for v in (1.0, np.sqrt(10.0))
            )
            ratio = variance_ratio(apart, common)
            one = np.var(apart[:, 0] - apart[:, -1], ddof=1) / np.var(
                common[:, 0] - common[:, -1], ddof=1
            )
            rows[s] = (ratio.low, ratio.high), (one / spread, one * spread)
        covered = 100 * ((rows[..., 0] <= 10) & (rows[..., 1] >= 10)).mean(axis=0)
        wide = np.median(rows[..., 1] / rows[..., 0], axis=0)
        print(
            f"{n:2d}{100 * np.mean(right):12.1f}{10:8d}"
            + "".join(f"{c:9.1f} ({w:6.1f})" for c, w in zip(covered, wide, strict=True)),
            flush=True,
        )


TABLES = {
    "best": table_best,
    "tails": table_tails,
    "resolved": table_resolved,
    "set": table_set,
    "gain": table_gain,
    "trials": table_trials,
    "compare": table_compare,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="table", help="default: all")
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies per row")
    arguments = parser.parse_args()
    unknown = set(arguments.tables) - set(TABLES)
    if unknown:
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    start = time.perf_counter()
    for name in arguments.tables or TABLES:
        TABLES[name](arguments.studies)
    print(f"\n{arguments.studies} studies per row, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
