"""How many rows a verdict takes: which slices can settle a margin, and what n would."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from audit.intervals import newcombe_paired, normal_quantile
from audit.versions.paired import Array, Change

MOST = 1e9
"""Rows above which no n is given."""
_HALVINGS = 60


def can_settle(
    change: Change, margin: float, level: float, power: float, *, everyone: bool = True
) -> NDArray[np.bool_]:
    """Whether slices are large enough that two equally good versions would be shown so.

    With no true change the upper end of harm lies below the margin with probability `power` where
    (z of the level + z of the power) x standard error <= margin. The standard error is that of the rows that
    changed, whichever way, so that the choice of slices does not look at the direction of what was seen. A
    slice whose rows changed less often than everyone's is given everyone's rate of change.

    Args:
        change: of S slices.
        margin: largest harm that does not matter.
        level: of the intervals.
        power: wanted for each slice.
        everyone: the first slice holds all rows; false: each slice is taken by itself.

    Returns:
        (S,) false where the error is not known.
    """
    spread = change.error * np.sqrt(change.n)
    spread = np.fmax(spread, spread[0] if everyone and len(spread) else np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = spread / np.sqrt(change.n)
        reach = normal_quantile(level) + float(ndtri(power))
        return np.asarray(reach * error <= margin)


def settling_n(change: Change, sign: float, margin: float, level: float, tests: int, alpha: float) -> Array:
    """The n at which a slice would be settled, were its shares the same with more rows.

    The smaller of two: the n whose interval ends below the margin, where the harm seen is below it; and the n
    whose adjusted test and interval exclude 0, where there is harm.

    Args:
        change: of S slices.
        sign: +1 where a larger value is worse, -1 where a smaller one is.
        margin: largest harm that does not matter.
        level: of the intervals.
        tests: size of the family.
        alpha: of the family.

    Returns:
        (S,) whole numbers; NaN where the interval is not known or no n up to a billion would do.
    """
    harm = sign * change.value
    upper = np.where(sign > 0, change.high, -change.low)
    with np.errstate(invalid="ignore", divide="ignore"):
        below = change.n * ((upper - harm) / (margin - harm)) ** 2
        z = max(normal_quantile(level), float(ndtri(1 - alpha / 2 / max(tests, 1))))
        error = np.where(change.error > 0, change.error, (upper - harm) / normal_quantile(level))
        above = change.n * (z * error / harm) ** 2
    rates = ~np.isnan(change.only_old) & (change.n > 0)
    if rates.any():
        below = np.where(rates, _newcombe_n(change, sign, margin, level), below)
    found = np.fmin(np.where(harm < margin, below, np.nan), np.where(harm > 0, above, np.nan))
    found = np.where(np.isfinite(found) & (found <= MOST), np.ceil(found), np.nan)
    return np.where(found > change.n, found, np.where(np.isnan(found), np.nan, change.n + 1))


def _newcombe_n(change: Change, sign: float, margin: float, level: float) -> Array:
    """Rows at which the paired interval ends below the margin, by bisection on the log of the multiple."""
    n, old, new = (np.nan_to_num(x) for x in (change.n, change.only_old, change.only_new))
    both = np.maximum(np.nan_to_num(change.old) * n - old, 0.0)
    neither = np.maximum(n - both - old - new, 0.0)
    first, second = (new, old) if sign > 0 else (old, new)

    def ends(times: Array) -> Array:
        return newcombe_paired(both * times, first * times, second * times, neither * times, level).high

    low, high = np.zeros(len(n)), np.full(len(n), np.log(MOST))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = ends(np.exp(middle)) < margin
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.asarray(n * np.exp(high))
