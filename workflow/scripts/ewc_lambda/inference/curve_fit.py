"""A smooth curve through the measures of one trial, and the interval of its minimum.

Every replicate is fitted by the same least squares spline, so that each value and each slope of
the fitted curves is a fixed weighted sum of that replicate's measures. A one-sample t test over
replicates of such a sum needs no model of how the noise at different lambdas is correlated.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.special import stdtrit

from ewc_lambda.inference.convexity import Minimum, around_the_lowest, borne_out
from ewc_lambda.inference.replicates import filled, sums_t
from ewc_lambda.inference.student import Floats

Sums = Callable[[Floats], Floats]
"""Weighted sums (n, G) of measures (n, S), the same weights for each row."""

SumsTest = Callable[[Floats, Sums], tuple[Floats, Floats | int]]
"""Student's t of the sums of expected measures, and its degrees of freedom, as
`replicates.sums_t`."""

DEGREE = 5
"""Degree of the spline: cubic splines were biased on coarse grids (docs/statistics.md)."""

CELLS = 12
"""Finest detail of the curve, in parts of the first grid: less is smoothed away."""

LEVEL_CONFIDENCE = 0.85
"""One-sided confidence at which a point is too high to be the minimum of another valley."""

RISE = 10.0
"""Measures higher above the best than this many times the median are left out of the fit."""

POINTS = 401
"""Points at which the fitted curve is searched, besides the lambdas themselves."""


def spline_sites(x: Floats, spacing: float) -> Floats:
    """Positions, about `spacing` apart where the data allow it, that carry the spline.

    x (S,) sorted and distinct. A gap between neighbours counts min(1, gap / spacing), so a coarse
    grid keeps all its points and a fine one is thinned. Returns (n,), n <= S, ends of x included.
    """
    count = np.r_[0.0, np.cumsum(np.minimum(1.0, np.diff(x) / spacing))]
    # Rounded up: one site too few, at a coarse grid, costs more (bias) than one too many (width).
    n = max(int(np.ceil(count[-1] - 1e-9)) + 1, min(len(x), 3))
    sites: Floats = np.interp(np.linspace(0.0, count[-1], n), count, x)
    return sites


def spline_basis(sites: Floats) -> BSpline:
    """B-spline basis with as many functions as sites: not-a-knot ends.

    Up to 6 sites give one polynomial through them. Source: de Boor, A Practical Guide to Splines
    (1978), chapter XIII, for the not-a-knot condition.
    """
    degree = min(DEGREE, len(sites) - 1)
    dropped = degree // 2 + 1
    inner = sites[dropped : len(sites) - dropped]
    knots = np.r_[[sites[0]] * (degree + 1), inner, [sites[-1]] * (degree + 1)]
    return BSpline(knots, np.eye(len(knots) - degree - 1), degree)


def typical_rise(x: Floats, means: Floats) -> float:
    """How far the median of a curve lies above its best; x, means (S,)."""
    # Evenly over x: later rounds crowd around the minimum and would drag a plain median down.
    typical = np.median(np.interp(np.linspace(x[0], x[-1], POINTS), x, means))
    return float(typical - means.min())


def fit_window(x: Floats, means: Floats, rise: float | None = None) -> slice:
    """Run of columns around the lowest mean whose means are not out of all proportion.

    Just before training diverges measures can be a thousand times the rest; a spline through them
    would swing at the minimum. x, means (S,); at least 3 columns are kept. ``rise`` is the
    `typical_rise` to go by, where it is not that of this curve.
    """
    best = int(means.argmin())
    allowed = means <= means[best] + RISE * (typical_rise(x, means) if rise is None else rise)
    first, last = best, best
    while first > 0 and allowed[first - 1]:
        first -= 1
    while last < len(means) - 1 and allowed[last + 1]:
        last += 1
    if last - first < 2:
        return slice(0, len(means))
    return slice(first, last + 1)


class Spline:
    """The least squares spline that all replicates of a trial share: a linear map of measures.

    x (S,) sorted and distinct, S >= 3; span is the width of the first grid, in units of x.
    """

    def __init__(self, x: Floats, span: float) -> None:
        self._basis = spline_basis(spline_sites(x, span / CELLS))
        self._fit = np.linalg.pinv(self._basis(x)).T

    def __call__(self, measures: Floats, at: Floats, slope: int = 0) -> Floats:
        """Fitted values, or slopes with ``slope`` 1, at ``at`` (G,): measures (R, S) to (R, G)."""
        return np.asarray(measures @ self._fit @ self._basis(at, nu=slope).T)


class Pieces:
    """Straight lines from lambda to lambda, called as `Spline`. x (S,) sorted and distinct."""

    def __init__(self, x: Floats) -> None:
        self._x = x

    def __call__(self, measures: Floats, at: Floats, slope: int = 0) -> Floats:
        """Values, or slopes with ``slope`` 1, at ``at`` (G,): measures (R, S) to (R, G)."""
        if not slope:
            return np.stack([np.interp(at, self._x, row) for row in measures])
        steps = np.diff(measures, axis=1) / np.diff(self._x)
        return np.asarray(steps[:, np.searchsorted(self._x[1:-1], at, side="right")])


def curve_minimum(
    x: Floats,
    measures: Floats,
    span: float,
    level: float = 0.95,
    means_of: Callable[[Floats], Floats] = lambda measures: filled(measures).mean(axis=0),
    sums_test: SumsTest = sums_t,
) -> Minimum:
    """Minimum of the expected curve with the interval that inverts a paired t test of its slope.

    x (S,) sorted and distinct, S >= 3, on the scale of the search (log10 or linear);
    measures (R, S) usable, columns in the order of x; span is the width of the first grid, in
    units of x. With R = 1 only the estimate is given. The last two arguments are how the runs were
    made: replicates that share random streams over all lambdas, if not given.

    x0 belongs to the interval when the mean over replicates of the fitted slope at x0 is not
    different from 0 (two-sided t test, `replicates.sums_t`) and x0 hangs together with the
    estimate, or with a valley whose floor is not clearly higher. An end that the slope
    does not bound is the end of the grid, with its flag False.

    Source: inversion of a test of a ratio of means, Fieller, J. R. Stat. Soc. B 16 (1954) 175,
    with the slope of a fitted curve in place of a linear combination of two means.
    """
    means = means_of(measures)
    kept = fit_window(x, means)
    x, measures, means = x[kept], measures[:, kept], means[kept]
    spline = Spline(x, span)
    grid = np.unique(np.r_[np.linspace(x[0], x[-1], POINTS), x])

    def slopes(values: Floats) -> Floats:
        return spline(values, grid, slope=1)

    def heights(values: Floats) -> Floats:
        curves = spline(values, grid)
        return np.asarray(curves - curves[:, [best]])

    best = int(spline(means[None], grid)[0].argmin())
    if len(measures) < 2:
        return Minimum(float(grid[best]), np.nan, np.nan, False, False)

    t, freedom = sums_test(measures, slopes)
    critical = float(stdtrit(len(measures) - 1, 0.5 + level / 2))
    # Unequal numbers of replicates ask for more where there are few.
    slope: Floats = np.abs(t) * (critical / stdtrit(freedom, 0.5 + level / 2))
    height, freedom = sums_test(measures, heights)
    low_enough = height <= stdtrit(freedom, LEVEL_CONFIDENCE)
    found = where_flat(grid, slope, critical, low_enough, best)
    if sums_test is not sums_t:
        # Runs with streams of their own scatter around the curve: their lowest mean bears out less.
        return found
    floor = float(spline(means[None], grid[[best]])[0, 0])
    held = found.low <= x[means.argmin()] <= found.high
    if held or borne_out(x, means, found.estimate, floor):
        return found
    return _joined(found, around_the_lowest(x, measures, level))


def _joined(found: Minimum, other: Minimum) -> Minimum:
    """The interval that holds both, with the estimate of the other."""
    return Minimum(
        other.estimate,
        min(found.low, other.low),
        max(found.high, other.high),
        found.bounded_low and other.bounded_low,
        found.bounded_high and other.bounded_high,
    )


def where_flat(
    grid: Floats, slope: Floats, critical: float, low_enough: NDArray[np.bool_], best: int
) -> Minimum:
    """The interval around grid[best] that a test of the slope leaves: slope (G,), its size in
    standard errors, is at most ``critical``, or beyond that another such valley, if its floor is
    ``low_enough`` (G,).
    """
    flat = slope <= critical
    flat[best] = True
    valleys = np.flatnonzero(flat & low_enough)
    rejected = np.flatnonzero(~flat)
    below = rejected[rejected < valleys[0]]
    above = rejected[rejected > valleys[-1]]

    def crossing(inside: int, outside: int) -> float:
        if slope[inside] > critical or not np.isfinite(slope[outside]):
            return float(grid[inside])
        part = (critical - slope[inside]) / (slope[outside] - slope[inside])
        return float(grid[inside] + part * (grid[outside] - grid[inside]))

    low = crossing(below[-1] + 1, below[-1]) if below.size else float(grid[0])
    high = crossing(above[0] - 1, above[0]) if above.size else float(grid[-1])
    return Minimum(float(grid[best]), low, high, bool(below.size), bool(above.size))
